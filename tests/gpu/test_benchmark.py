"""The benchmarks for a GPU run to their end without one, so that they will where there is one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from .device_under_test import TIER

REPOSITORY = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.skipif(TIER != "sim", reason="the benchmarks run by themselves there")


@pytest.fixture
def gpu() -> Iterator[Any]:
    """The module; what its package does to the process on import is undone."""
    cores, environment = os.sched_getaffinity(0), dict(os.environ)
    yield import_module("tests.benchmarks.gpu")
    os.sched_setaffinity(0, cores)
    os.environ.clear()
    os.environ.update(environment)


def benchmark(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.gpu", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def errors(result: Any) -> list[str]:
    if not isinstance(result, dict):
        return []
    found = [result["error"]] if "error" in result else []
    return [*found, *(error for part in result.values() for error in errors(part))]


def test_every_section_runs(gpu: Any, tmp_path: Path) -> None:
    done = benchmark("--smoke", "--out", tmp_path / "gpu.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (tmp_path / "gpu.json").read_text()
    result = json.loads(done.stdout)
    assert result["the figures mean nothing"] is True
    assert errors(result) == []
    assert {name.partition(".")[0] for name in gpu.SECTIONS} <= set(result)
    for name in gpu.WORKS:
        assert max(result["correctness"][name].values()) < 1e-5
        plans = result["times"][name]
        assert plans[gpu.GRAPH]["plan"] == "one launch of a CUDA graph"
        assert plans[gpu.LAUNCHES]["plan"] == "kernel by kernel until everything is loaded"
        counts = result["counts"][name]
        assert counts[gpu.GRAPH]["graph"] == 1
        assert "graph" not in counts[gpu.LAUNCHES]
        assert not {"h2d", "d2h", "sync"} & set(counts[gpu.EAGER])


def test_what_breaks_in_one_section_is_written_down(
    gpu: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "exit code 2" in gpu.measured("no such section", smoke=True)["error"]
    monkeypatch.setattr(gpu, "TIMEOUT", 0.01)
    assert gpu.measured("device", smoke=True) == {"error": "not done after 0.01 s"}

    def broken() -> None:
        raise RuntimeError("an illegal memory access was encountered")

    made = {"broken": broken, "whole": lambda: lambda: None}
    result = gpu.compared(made, smoke=True)
    assert "illegal memory" in result["broken"]["error"]
    assert result["whole"]["steps in a round"] == 1
