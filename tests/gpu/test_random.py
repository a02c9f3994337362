"""The kernels that draw on a GPU, compiled for the host: the same bits as on the CPU."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
from autograd_iron.arrays import philox
from autograd_iron.ops.random import fill

from .device_under_test import counts, reset
from .nvrtc import compile_for

SIZES = (0, 1, 2, 3, 5, 7, 8, 9, 1023, 1025, 16_385)
SEEDS = (0, (1 << 64) - 1, 1 << 64, (1 << 128) - 1)
LAST = (1 << 64) - 1

HEADER = """
#include <math.h>
#define __global__
#define __device__
static struct { unsigned x; } threadIdx, blockIdx, blockDim;
"""

LAUNCH = """
typedef void Kernel(real*, long long, word, word, word, double, double);

extern "C" void launch(
    Kernel* kernel, unsigned blocks, unsigned threads, real* out, long long n, word key0, word key1,
    word number, double shift, double scale
) {
    blockDim.x = threads;
    for (blockIdx.x = blocks; blockIdx.x--;)
        for (threadIdx.x = threads; threadIdx.x--;)
            kernel(out, n, key0, key1, number, shift, scale);
}
"""

# A device's compiler contracts a * b + c into one rounding wherever it is not kept from it.
FLAGS = ("-std=c++17", "-O2", "-Wall", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC")


def pointer(array: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data if isinstance(array, np.ndarray) else array)


class Host:
    """As much of an array module as drawing needs; its kernels are compiled by g++."""

    uint64 = np.uint64

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.launches: list[str] = []
        self.kernels: dict[tuple[str, str], Callable[..., None]] = {}

    def RawKernel(self, text: str, name: str) -> Callable[..., None]:
        if (text, name) not in self.kernels:
            self.kernels[text, name] = self.compiled(text, name)
        return self.kernels[text, name]

    def compiled(self, text: str, name: str) -> Callable[..., None]:
        source = self.folder / f"{len(list(self.folder.iterdir()))}.cpp"
        source.write_text(HEADER + text + LAUNCH)
        library = source.with_suffix(".so")
        subprocess.run(["g++", *FLAGS, "-o", library, source], check=True)
        compiled = ctypes.CDLL(str(library))

        def kernel(grid: tuple[int], block: tuple[int], arguments: tuple[Any, ...]) -> None:
            self.launches.append(name)
            out, n, low, high, number, shift, scale = arguments
            # What CuPy passes in as many bytes as the kernel takes.
            assert [type(a) for a in (n, shift, scale)] == [int, float, float]
            assert [type(a) for a in (low, high, number)] == [np.uint64] * 3
            compiled.launch(
                *(getattr(compiled, name), *grid, *block, pointer(out), ctypes.c_longlong(n)),
                *(ctypes.c_ulonglong(int(a)) for a in (low, high, number)),
                *(ctypes.c_double(shift), ctypes.c_double(scale)),
            )

        return kernel


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    return Host(tmp_path_factory.mktemp("philox"))


def drawn(host: Host, kind: str, n: int, dtype: str, seed: int, draw: int, **options: Any) -> Any:
    """The draw by the kernel, which leaves alone what lies around it."""
    memory = np.full(n + 32, -77, dtype)
    out = memory[16 : 16 + n]
    options = {"shift": 0.0, "scale": 1.0, **options}
    fill(host, kind, out, philox.key(seed), draw, **options)
    np.testing.assert_array_equal(memory[:16], -77)
    np.testing.assert_array_equal(memory[16 + n :], -77)
    return out


def at(seed: int, draws: int) -> ai.Generator:
    generator = ai.Generator()
    generator.state = {"seed": seed, "draws": draws}
    return generator


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", SIZES)
def test_uniform_numbers_are_equal_bit_for_bit(host: Host, n: int, dtype: str) -> None:
    for seed in SEEDS:
        for draw in (0, 1, LAST):
            for low, high in ((0.0, 1.0), (-0.3, 0.4), (-1e-3, 1e6)):
                found = drawn(host, "uniform", n, dtype, seed, draw, shift=low, scale=high - low)
                expected = at(seed, draw).uniform(n, low, high, dtype=dtype).numpy()
                assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", SIZES)
def test_normal_numbers_differ_by_rounding_alone(host: Host, n: int, dtype: str) -> None:
    for seed in SEEDS:
        for draw in (0, 1, LAST):
            found = drawn(host, "normal", n, dtype, seed, draw, shift=-3.0, scale=2.5)
            expected = at(seed, draw).normal(n, -3.0, 2.5, dtype=dtype).numpy()
            # The libraries' logarithms and tangents differ by up to 4 units in the last place.
            tolerance = 8 * np.finfo(dtype).eps
            np.testing.assert_allclose(found, expected, tolerance, tolerance * (3 + 2.5 * 2))


def test_a_draw_is_one_launch_and_none_for_no_numbers(host: Host) -> None:
    for kind in ("uniform", "normal"):
        for n in (0, 1, 100_003):
            host.launches.clear()
            drawn(host, kind, n, "float32", 0, 0)
            assert host.launches == [kind] * (n > 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_generator_draws_on_the_device(dtype: str) -> None:
    """One launch, and nothing is moved."""
    on_host, on_gpu = at(7, 3), at(7, 3)
    for draw in (
        lambda g, device: g.uniform((3, 100), -0.3, 0.4, dtype, device),
        lambda g, device: g.normal((3, 100), -3.0, 2.5, dtype, device),
    ):
        draw(at(0, 0), "cuda")  # compiles the kernel
        reset()
        found = draw(on_gpu, "cuda")
        assert counts() == {**dict.fromkeys(counts(), 0), "launch": 1, "alloc": 1}
        assert (found.device, found.dtype, found.shape) == ("cuda:0", dtype, (3, 100))
        expected = draw(on_host, "cpu")
        tolerance = 8 * np.finfo(dtype).eps
        np.testing.assert_allclose(found.numpy(), expected.numpy(), tolerance, 8 * tolerance)
    assert on_host.state == on_gpu.state
    uniform = [
        g.uniform(1001, -0.3, 0.4, dtype, where) for g, where in ((on_host, None), (on_gpu, "cuda"))
    ]
    assert uniform[0].numpy().tobytes() == uniform[1].numpy().tobytes()


def test_integers_go_to_the_device() -> None:
    found = at(7, 3).integers(0, 1000, (2, 50), device="cuda")
    assert (found.device, found.dtype) == ("cuda:0", "int64")
    assert found.tolist() == at(7, 3).integers(0, 1000, (2, 50)).tolist()


def test_an_unknown_device_draws_nothing() -> None:
    generator = at(0, 0)
    for draw in (generator.normal, generator.uniform, lambda **o: generator.integers(0, 9, **o)):
        with pytest.raises(ValueError, match="there is no device 'gpu'"):
            draw(device="gpu")
    assert generator.state["draws"] == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nvidias_compiler_takes_the_kernels(dtype: str) -> None:
    """For every architecture; it needs no GPU."""
    pytest.importorskip("cupy_backends.cuda.libs.nvrtc")
    compile_for(philox.kernel_text(dtype))


DRAWN: dict[str, Callable[[ai.Generator, str], ai.Tensor]] = {
    "normal around tensors": lambda g, d: g.normal(None, ai.arange(3.0, device=d), 2.0),
    "exponential": lambda g, d: g.exponential(5, 2.0, device=d),
    "gumbel": lambda g, d: g.gumbel((2, 3), device=d),
    "laplace": lambda g, d: g.laplace(5, device=d),
    "truncated_normal": lambda g, d: g.truncated_normal(5, device=d),
    "bernoulli": lambda g, d: g.bernoulli(0.5, 9, device=d),
    "categorical": lambda g, d: g.categorical(ai.zeros((4, 3), device=d)),
    "choice": lambda g, d: g.choice(ai.arange(7.0, device=d), 3, replace=False),
    "gamma": lambda g, d: g.gamma(2.0, shape=4, device=d),
    "poisson": lambda g, d: g.poisson(3.0, 5, device=d),
    "rand_like": lambda g, d: ai.rand_like(ai.ones(5, device=d), generator=g),
    "randint": lambda g, d: ai.randint(9, (4,), device=d, generator=g),
}


@pytest.mark.parametrize("name", DRAWN)
def test_each_distribution_is_that_of_the_host(name: str) -> None:
    draw = DRAWN[name]
    made, expected = draw(ai.Generator(2), "cuda"), draw(ai.Generator(2), "cpu")
    assert (made.device, expected.device) == ("cuda:0", "cpu")
    assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(made.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)
