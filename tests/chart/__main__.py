"""Write what is made of the chart: python -m tests.chart."""

import sys

from tests.chart.generated import GENERATED, stale
from tests.cluster.tools import REPOSITORY


def main() -> None:
    """Write the files that are out of date and name them."""
    for path in stale():
        path.write_text(GENERATED[path](), encoding="utf-8")
        sys.stdout.write(f"wrote {path.relative_to(REPOSITORY)}\n")


if __name__ == "__main__":
    main()
