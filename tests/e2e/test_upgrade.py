"""Another version of the chart comes in while an extraction runs."""

import shutil
from pathlib import Path

import pytest
import yaml

from slides_api import __version__
from tests.e2e.install import CHART, install_chart
from tests.e2e.product import Product
from tests.e2e.talks import counted, reason

pytestmark = pytest.mark.e2e


@pytest.fixture
def previous_chart(tmp_path: Path) -> Path:
    """This chart under an earlier version, with the images of this one."""
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    described = yaml.safe_load((chart / "Chart.yaml").read_text())
    described |= {"version": "0.0.1", "appVersion": __version__}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(described))
    return chart


def test_an_upgrade_leaves_a_running_extraction_alone(
    product: Product, previous_chart: Path
) -> None:
    install_chart(product.cluster, chart=previous_chart)
    product.talks.apply("upgraded", product.slow_talk_url())
    before = product.talks.wait_for_phase("upgraded", "Downloading")

    install_chart(product.cluster)
    product.hurry()

    seen = product.talks.wait_for_end("upgraded")
    assert (reason(seen), counted(seen)) == ("Completed", 0)
    assert seen["status"]["attempts"]["current"] == 1
    assert seen["metadata"]["uid"] == before["metadata"]["uid"]
