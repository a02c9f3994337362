"""The page on GPUs runs on one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_readme import script

from .device_under_test import TIER, cupy

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.mark.skipif(
    TIER == "stand-in" and not cupy.can_compile(), reason="compiled steps need g++ here"
)
def test_the_page_runs(tmp_path: Path) -> None:
    page = tmp_path / "page.py"
    page.write_text(script((REPOSITORY / "docs" / "gpu.md").read_text(encoding="utf-8")))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.gpu.run_script", page],
        cwd=REPOSITORY,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "on cuda:0: one launch of a CUDA graph" in done.stdout
    assert "limit 4.0 GiB" in done.stdout
