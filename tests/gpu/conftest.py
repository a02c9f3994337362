"""Let the engine find the device under test where it would import CuPy, in this folder alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from . import device_under_test
from .device_under_test import TIER

NEEDS_CUPY = ["test_host_cuda.py", "test_nvrtc.py"]
collect_ignore = [] if TIER == "sim" else NEEDS_CUPY


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if TIER == "real":
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker("gpu")


@pytest.fixture(autouse=True)
def engine_finds_the_device() -> Iterator[None]:
    # Not the fixture `monkeypatch`: Hypothesis would warn of it in every test that draws examples.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", device_under_test.cupy)
        if find_spec("autograd_iron.cuda"):
            patch.setattr("autograd_iron.cuda.cupy", None)  # forget what it met, now and after
        if find_spec("autograd_iron.cublas"):
            from autograd_iron import cublas

            load = cublas._library
            patch.setattr(cublas, "_library", cache(lambda: device_under_test.cublas(load)))
        device_under_test.reset()
        yield
