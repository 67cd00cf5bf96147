"""Makes `uv run ty` check the project: on its own, ty wants a command and prints its help.

uv runs a folder with a `__main__.py` before it looks for a program of that name. Arguments, where
there are some, go to ty as they are.
"""

import os
import sys
import sysconfig
from pathlib import Path

PROGRAM = Path(sysconfig.get_path("scripts"), "ty")

if __name__ == "__main__":
    os.execv(PROGRAM, [str(PROGRAM), *(sys.argv[1:] or ["check"])])  # noqa: S606 - no shell wanted
