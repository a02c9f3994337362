"""Let the engine find the device under test where it would import CuPy, in this folder alone."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from families import fourier, linalg
from samples import ALL_ROWS, COMPOSITES, SAMPLES

from . import device_under_test, strict_cupy
from .device_under_test import TIER

collect_ignore = {
    "stand-in": ["test_host_cuda.py", "test_nvrtc.py"],
    "sim": [],
    "real": ["test_host_cuda.py"],
}[TIER]


# On the real CuPy without a GPU the host's compiler makes the kernels of an operation, a second for
# each: there one in so many operations is tried, by a hash of its name; with AI_ROWS=all each.
ONE_IN = {"name": 8, "path": 24}
# Theirs are kernels of libraries that come with CUDA alone: cuFFT, and most of cuSOLVER.
OF_CUDA = {*fourier.SAMPLES, *fourier.COMPOSITES, *linalg.COMPOSITES}


def left_out(item: pytest.Item) -> bool:
    """Return whether the test of an operation is left out on the real CuPy without a GPU."""
    parameters = getattr(item, "callspec", None)
    return parameters is not None and any(
        value in OF_CUDA or not (ALL_ROWS or zlib.crc32(value.encode()) % ONE_IN[key] == 0)
        for key, value in parameters.params.items()
        if key in ONE_IN and (value in SAMPLES or value in COMPOSITES)
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if TIER == "sim":
        kept = [item for item in items if not left_out(item)]
        config.hook.pytest_deselected(items=[item for item in items if left_out(item)])
        items[:] = kept
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
