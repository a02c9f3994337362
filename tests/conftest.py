import gc
import os
import signal
from collections.abc import Iterator

import ml_dtypes  # noqa: F401  (lets NumPy know bfloat16 by its name)
import pytest
from hypothesis import HealthCheck, settings

# Nothing here reads a clock: no deadline, and no complaint that drawing an example was slow.
# CI draws the same examples each time, so that a red run is about the change under test.
settings.register_profile(
    "bounded",
    max_examples=30,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("bounded")

# What a shell starts in the background has no Ctrl-C, nor have its children.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Run with the garbage collector off: what is freed, is freed by reference counting."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
