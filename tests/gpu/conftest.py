"""Let the engine find the device under test where it would import CuPy, in this folder alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from . import device_under_test, strict_cupy
from .device_under_test import TIER

collect_ignore = {
    "stand-in": ["test_host_cuda.py", "test_nvrtc.py"],
    "sim": [],
    "real": ["test_host_cuda.py"],
}[TIER]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if TIER == "real":
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker("gpu")


@pytest.fixture(autouse=True)
def engine_finds_the_device() -> Iterator[None]:
    strict_cupy.start_afresh()  # also where it is not the device: some tests are about it
    with device_under_test.in_place():
        yield


@pytest.fixture
def late() -> Iterator[None]:
    """Have the simulated device put off all work until something waits for it."""
    if TIER != "sim":
        yield
        return
    device_under_test.device.late = True
    yield
    device_under_test.device.run_all()
    device_under_test.device.late = False
