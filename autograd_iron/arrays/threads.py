"""Sharing work out among threads: the tiles of a plan, the images of a convolution."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from autograd_iron.arrays import device


@cache
def _pool(size: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(size, thread_name_prefix="plan")


# A forked process has none of its parent's threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)


def share_out(count: int, work: Callable[[int, Any], None], given: Any) -> None:
    """Run `work(0)` to `work(count - 1)` at the same time and wait for all of them."""
    if count == 1:
        work(0, given)
        return

    def quietly(worker: int) -> None:
        with device.quiet():
            work(worker, given)

    futures = [_pool(count - 1).submit(quietly, worker) for worker in range(1, count)]
    try:
        work(0, given)
    finally:
        errors = [future.exception() for future in futures]
    for error in errors:
        if error is not None:
            raise error
