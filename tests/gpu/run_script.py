"""Run a script with the device under test: `python -m tests.gpu.run_script FILE [...]`."""

import runpy
import sys
from pathlib import Path

from . import device_under_test

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(Path(sys.argv[0]).parent))  # as Python does for a script
    with device_under_test.in_place():
        runpy.run_path(sys.argv[0], run_name="__main__")
