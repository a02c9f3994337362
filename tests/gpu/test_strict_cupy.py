"""The stand-in for CuPy is as strict as CuPy: what the real one did is in `real_cupy.txt`."""

from __future__ import annotations

import ctypes
import gc
import inspect
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from . import fake_cublas, probes, stand_in
from . import strict_cupy as cp
from .strict_cupy import cupyx

TIER = os.environ.get("AI_GPU", "stand-in")
TABLE = probes.read()[1]

# Where the stand-in is not CuPy, by the expression; every other row of the table agrees.
OTHERWISE = {
    "cp.nonzero(x)": "one temporary array less",
    "x == 'a'": "the error does not print the array",
    "cp.ndarray((2,), 'f4', x.data, (12,)).tolist()": "one copy less before the transfer",
    "[z.__setitem__(cp.array([0, 0, 0]), cp.array([1.0, 2.0, 3.0], dtype='f4')), z.tolist()]": (
        "which of several values for one place stays is undefined: not NumPy's last"
    ),
}
CHEAPER_UNTIL_IT_FAILS = {
    "x[:0].max()",
    "k.astype('u1') + 300",
    "cp.add.at(x, slice(0, 1), x)",
    "captured(lambda: cp.einsum('ij,jk->ik', a, w))",
    "captured(lambda: cp.random.uniform(size=3))",
    "a3.astype(bf) @ b3.astype(bf)",
    "cp.einsum('ij,kj->ik', xbf, xbf)",
    "captured(lambda: a[mask])",
    "captured(lambda: a.__setitem__(mask, 0))",
}
ABSENT = {
    "cp.unique(idx)",
    "cp.random.choice(32, 8, replace=False)",
    "cp.lib.stride_tricks.sliding_window_view(a, (3, 3))",
    "cp.shares_memory(x, k)",
    "cp.nan_to_num(x)",
}
KNOWN = {*OTHERWISE, *CHEAPER_UNTIL_IT_FAILS, *ABSENT}


def stand_in_prober() -> probes.Prober:
    return probes.Prober(cp, cupyx, cp.events.reset, cp.events.counts)


def skip_without_ml_dtypes(expression: str) -> None:
    if probes.BFLOAT16.search(expression):
        pytest.importorskip("ml_dtypes")


def verdict(row: probes.Row) -> tuple[str, str]:
    """What two rows must agree on: of errors the type, since the text is each one's own."""
    kind, _, message = row.outcome.partition(":")
    failed = bool(message) and kind.isidentifier() and kind[0].isupper()
    return (kind if failed else row.outcome), row.cost


@pytest.mark.parametrize("expression", [e for e in TABLE if e not in KNOWN])
def test_it_does_what_cupy_does(expression: str) -> None:
    if "cp.Raw" in expression and not cp.can_compile():
        pytest.skip("kernels need g++ and host_cuda.h")
    skip_without_ml_dtypes(expression)
    assert verdict(stand_in_prober().row(expression)) == verdict(TABLE[expression])


@pytest.mark.parametrize("expression", sorted(KNOWN))
def test_a_known_difference_is_still_one(expression: str) -> None:
    skip_without_ml_dtypes(expression)
    found, real = stand_in_prober().row(expression), TABLE[expression]
    assert verdict(found) != verdict(real)
    if expression in ABSENT:
        assert found.outcome.startswith("AttributeError")
    if expression in CHEAPER_UNTIL_IT_FAILS:
        assert verdict(found)[0] == verdict(real)[0]


@pytest.mark.parametrize("expression", TABLE if TIER == "sim" else [])  # needs the real CuPy
def test_the_table_is_what_the_real_cupy_does(expression: str) -> None:
    skip_without_ml_dtypes(expression)
    assert verdict(probes.prober().row(expression)) == verdict(TABLE[expression])


def parameters(function: Callable[..., Any]) -> list[str]:
    """The names that a function takes, without those of its **rest."""
    kinds = inspect.Parameter
    return [
        ("*" if p.kind is kinds.VAR_POSITIONAL else "") + p.name
        for p in inspect.signature(function).parameters.values()
        if p.kind is not kinds.VAR_KEYWORD
    ]


def test_functions_and_methods_take_what_cupys_take() -> None:
    table = json.loads((Path(__file__).parent / "cupy_api.json").read_text(encoding="utf-8"))
    differing = []
    for kind, place in (("functions", cp), ("methods", cp.ndarray)):
        for name, signature in table[kind].items():
            ours = getattr(place, name, None)
            if not inspect.isfunction(ours):
                continue
            names = [part.split("=")[0] for part in signature.split(", ")]
            expected = [name for name in names if name not in ("*", "/") and name[:2] != "**"]
            found = parameters(ours)[1:] if kind == "methods" else parameters(ours)
            if found != [name for name in expected if name]:
                differing.append(f"{name}: {found} is not {signature}")
    assert differing == []


# --- memory


def test_new_memory_holds_no_numbers() -> None:
    made = cp.empty(4, "f4")
    assert np.isnan(made.get()).all()


def test_memory_is_aligned_as_cuda_aligns_it() -> None:
    kept = [cp.empty(size, "u1") for size in (1, 513, 5000)]
    assert [array.data.ptr % 512 for array in kept] == [0, 0, 0]


def test_freed_memory_is_handed_out_at_once() -> None:
    pool = cp.cuda.MemoryPool()
    with cp.cuda.using_allocator(pool.malloc):
        first = cp.ones(100, "f4")
        place = first.data.ptr
        del first
        second = cp.empty(90, "f4")
        assert second.data.ptr == place
        assert np.isnan(second.get()).all()
    assert pool.used_bytes() == pool.total_bytes() == 512


def test_a_view_keeps_its_memory() -> None:
    pool = cp.cuda.MemoryPool()
    with cp.cuda.using_allocator(pool.malloc):
        view = cp.ones((4, 4), "f4")[1:]
        assert pool.used_bytes() == 512
        del view
    assert pool.used_bytes() == 0
    assert pool.free_bytes() == 512
    pool.free_all_blocks()
    assert pool.total_bytes() == 0


def test_a_block_is_split_and_joined_again() -> None:
    pool = cp.cuda.MemoryPool()
    whole = pool.malloc(2048)
    del whole
    parts = [pool.malloc(512), pool.malloc(1024), pool.malloc(512)]
    assert pool.total_bytes() == 2048
    while parts:
        del parts[0]
    gc.collect()
    assert pool.n_free_blocks() == 1
    assert pool.malloc(2048).mem.size == 2048
    assert pool.total_bytes() == 2048


def test_the_limit_of_a_pool_holds() -> None:
    pool = cp.cuda.MemoryPool()
    pool.set_limit(1024)
    kept = pool.malloc(1024)
    with pytest.raises(cp.cuda.memory.OutOfMemoryError, match="limit set to: 1,024 bytes"):
        pool.malloc(1)
    del kept
    pool.malloc(1)


# --- what costs time


def test_what_is_forbidden_raises_where_it_happens() -> None:
    x = cp.ones(3, "f4")
    with cp.forbid("alloc", "sync"):
        cp.add(x, x, out=x)
        with pytest.raises(cp.Forbidden, match="alloc"):
            x + x
        with pytest.raises(cp.Forbidden, match="sync"):
            float(x[0])
    float((x + x)[0])


# --- streams, events, captures


def test_a_copy_to_the_host_arrives_with_the_wait_for_it() -> None:
    stream = cp.cuda.Stream(non_blocking=True)
    with stream:
        x = cp.ones(3, "f4")
        host = x.get(out=cupyx.empty_pinned(3, "f4"), blocking=False)
        x.fill(2)
        assert np.isnan(host).all()
        event = stream.record()
    assert not event.done
    event.synchronize()
    assert event.done
    np.testing.assert_array_equal(host, [1, 1, 1])


def test_pinned_memory_must_rest_until_it_is_copied() -> None:
    stream, host = cp.cuda.Stream(), cupyx.zeros_pinned(3, "f4")
    x = cp.empty(3, "f4")
    x.set(host, stream)
    host[...] = 1
    with pytest.raises(cp.PinnedMemoryOverwritten, match="event"):
        stream.synchronize()
    x.set(host, stream)
    stream.synchronize()
    host[...] = 2
    pageable = np.zeros(3, "f4")
    x.set(pageable, stream)
    pageable[...] = 1
    stream.synchronize()


def test_streams_that_nobody_orders_are_an_error() -> None:
    one, two = cp.cuda.Stream(non_blocking=True), cp.cuda.Stream(non_blocking=True)
    with one:
        x = cp.ones(3, "f4")
    with two:
        with pytest.raises(cp.StreamOrderError, match=r"wait_event"):
            x + 1
        two.wait_event(one.record())
        x += 1
    with one:
        with pytest.raises(cp.StreamOrderError):
            x.sum()
        two.synchronize()
        assert float(x.sum()) == 6


def test_two_streams_may_read_together() -> None:
    x = cp.ones(3, "f4")
    cp.cuda.Device().synchronize()
    for _ in range(2):
        with cp.cuda.Stream(non_blocking=True):
            x + 1


def test_freed_memory_that_another_stream_still_uses_is_an_error() -> None:
    one, two = cp.cuda.Stream(non_blocking=True), cp.cuda.Stream(non_blocking=True)
    with cp.cuda.using_allocator(cp.cuda.MemoryPool().malloc):
        with one:
            x = cp.ones(256, "f4")
        two.wait_event(one.record())
        with two:
            y = x + 1
        with one:
            del x
            first = cp.empty(128, "f4")  # of the block, cut in two
            with pytest.raises(cp.StreamOrderError, match="written"):
                cp.zeros(128, "f4")
    del y, first


def test_the_null_stream_waits_for_blocking_streams() -> None:
    with cp.cuda.Stream():
        x = cp.ones(3, "f4")
    assert float((x + 1).sum()) == 6


def test_a_graph_replays_on_the_same_memory() -> None:
    stream = cp.cuda.Stream(non_blocking=True)
    with stream:
        x, y = cp.ones(3, "f4"), cp.empty(3, "f4")
        stream.begin_capture()
        cp.add(x, x, out=y)
        cp.multiply(y, y, out=x)
        graph = stream.end_capture()
        assert np.isnan(y.get()).all()
        cp.events.reset()
        graph.launch()
        graph.launch()
        assert cp.events.counts() == {"graph": 1 + 1}
        assert x.tolist() == [64, 64, 64]


def test_a_graph_keeps_no_memory_alive() -> None:
    stream = cp.cuda.Stream(non_blocking=True)
    with stream, cp.cuda.using_allocator(cp.cuda.MemoryPool().malloc):
        x = cp.ones(3, "f4")
        stream.begin_capture()
        y = x + 1
        graph = stream.end_capture()
        del y
        other = cp.zeros(3, "f4")
        graph.launch()
        assert other.tolist() == [2, 2, 2]


def test_a_capture_forks_and_joins() -> None:
    one, two = cp.cuda.Stream(non_blocking=True), cp.cuda.Stream(non_blocking=True)
    x, y = cp.ones(3, "f4"), cp.zeros(3, "f4")
    cp.cuda.Device().synchronize()

    def fork() -> None:
        one.begin_capture()
        two.wait_event(one.record())
        with two:
            cp.add(x, 1, out=y)

    fork()
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="Unjoined"):
        one.end_capture()
    fork()
    one.wait_event(two.record())
    graph = one.end_capture()
    graph.launch(one)
    one.synchronize()
    assert y.tolist() == [2, 2, 2]


def test_a_wait_spoils_a_capture() -> None:
    stream = cp.cuda.Stream(non_blocking=True)
    stream.begin_capture()
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="Unsupported"):
        stream.synchronize()
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="Invalidated"):
        stream.end_capture()
    assert not stream.is_capturing()


# --- devices


def test_devices_do_not_reach_each_others_memory() -> None:
    x = cp.ones(3, "f4")
    with cp.devices(2):
        assert cp.cuda.runtime.getDeviceCount() == 2
        with cp.cuda.Device(1):
            y = cp.zeros(3, "f4")
            assert (x.device.id, y.device.id) == (0, 1)
            for mixed in (lambda: x + y, lambda: y + x, x.sum, lambda: x @ x):
                with pytest.raises(ValueError, match="different from the current device"):
                    mixed()
            np.testing.assert_array_equal(cp.asarray(x).get(), x.get())
            assert cp.asarray(x).device == cp.cuda.Device(1)
        with pytest.raises(ValueError, match="resides \\(1\\)"):
            y + 1
        assert y.tolist() == [0, 0, 0]
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="InvalidDevice"):
        cp.cuda.Device(1).use()


def test_pools_count_each_device_by_itself() -> None:
    pool = cp.cuda.MemoryPool()
    with cp.devices(2):
        kept = pool.malloc(10)
        free, total = cp.cuda.runtime.memGetInfo()
        assert free < total
        with cp.cuda.Device(1):
            assert (pool.used_bytes(), pool.get_limit()) == (0, 0)
        assert pool.used_bytes() == 512
        del kept
        with cp.cuda.Device(1):
            pool.free_all_blocks()
        assert pool.total_bytes() == 512


# --- bfloat16


@pytest.fixture
def bfloat16() -> Any:
    return np.dtype(pytest.importorskip("ml_dtypes").bfloat16)


def test_the_dtype_of_bfloat16_is_loaded_by_who_asks_for_it() -> None:
    code = """
        import sys
        sys.modules["ml_dtypes"] = None
        from tests.gpu import fake_cublas, stand_in, strict_cupy as cp
        fake_cublas.Library(stand_in.Device())
        print((cp.ones((2, 3), "f2") @ cp.ones((3, 2), "f2")).tolist())
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == "[[3.0, 3.0], [3.0, 3.0]]\n"


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "complex64", "complex128"])
def test_what_no_atomic_addition_takes_is_refused(dtype: str) -> None:
    x, places = cp.zeros(3, dtype), cp.asarray(np.array([0, 2, 2]))
    with pytest.raises(TypeError, match=r"cupy\.add\.at only supports int32, int64, float16"):
        cp.add.at(x, places, cp.ones(3, dtype))
    cp.add.at(x, slice(0, 1), cp.ones(1, dtype))


def test_a_pseudoinverse_waits_for_the_device() -> None:
    x = cp.ones((2, 3), "f4")
    with cp.forbid("sync", "d2h"), pytest.raises(cp.Forbidden):
        cp.linalg.pinv(x)


def test_what_cupy_makes_of_bfloat16_is_known_or_refused(bfloat16: Any) -> None:
    x = cp.ones((2, 3), bfloat16)
    for unknown in (cp.sort, cp.var, cp.cumsum, cp.tril, cp.mean, lambda x: divmod(x, x)):
        with pytest.raises(NotImplementedError, match="bfloat16"):
            unknown(x)
    with pytest.raises(NotImplementedError, match="after every term"):
        x[0] @ x[0]
    with pytest.raises(TypeError, match="bfloat16"):
        cp.add.at(x, 0, 1.0)


def test_pinned_bfloat16_must_rest_until_it_is_copied(bfloat16: Any) -> None:
    stream, host = cp.cuda.Stream(), cupyx.empty_pinned(3, bfloat16)
    host[...] = [1, np.nan, 2]
    x = cp.empty(3, bfloat16)
    x.set(host, stream)
    stream.synchronize()
    x.set(host, stream)
    host[0] = 3
    with pytest.raises(cp.PinnedMemoryOverwritten, match="bfloat16"):
        stream.synchronize()


@pytest.mark.parametrize("kind", [14, 0])
def test_bfloat16_is_multiplied_in_single(bfloat16: Any, kind: int) -> None:
    draw = np.random.default_rng(0)
    a, b = (draw.standard_normal(shape).astype(bfloat16) for shape in ((2, 4, 5), (2, 5, 3)))
    c = np.ones((2, 4, 3), bfloat16 if kind == 14 else "f4")
    there = [cp.asarray(x) for x in (b, a, c)]  # column-major, they are the transposes
    library, handle = fake_cublas.Library(stand_in.Device()), ctypes.c_void_p()
    assert library.cublasCreate_v2(ctypes.byref(handle)) == 0
    assert library.cublasSetMathMode(handle, 16) == 0  # parts of a sum stay in float32
    (alpha, beta), place = (ctypes.c_float(0.3), ctypes.c_float(0.1)), ctypes.c_void_p
    left, right, out = (
        [place(x.data.ptr), data, x.shape[2], x.shape[1] * x.shape[2]]
        for x, data in zip(there, (14, 14, kind), strict=True)
    )
    head = [handle, 0, 0, 3, 4, 5, ctypes.byref(alpha), *left, *right, ctypes.byref(beta)]
    assert library.cublasGemmStridedBatchedEx(*head, *out, 2, 68, -1) == 0
    wanted = np.float32(0.3) * (a.astype("f4") @ b.astype("f4")) + np.float32(0.1)
    np.testing.assert_array_equal(there[2].get(), wanted.astype(c.dtype))
    for wrong in (64, 70):  # sums in half, in double
        assert library.cublasGemmStridedBatchedEx(*head, *out, 2, wrong, -1) == 15
