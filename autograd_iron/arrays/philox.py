"""Random bits from a counter: Philox4x64-10, the same on the CPU and on a GPU.

Philox (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns
a counter of four 64-bit words and a key of two into four words that look random. A draw uses

    key = (seed mod 2^64, seed div 2^64),    counter = (i + 1, 0, 0, number of the draw)

for its block i = 0, 1, 2, ...: any block can be made at once, from nothing else. NumPy's
`numpy.random.Philox` makes these very words on the CPU (it counts up before it makes a block, hence
``i + 1``); the text below makes them on a GPU.

A uniform number on [0, 1) is ``(h >> 8) / 2^24`` in float32, where h is half a word, the low half
first, and ``(w >> 11) / 2^53`` in float64, where w is a word. A block of 32 bytes of bits so gives
32 bytes of numbers.

Normal numbers come in pairs, by Box and Muller's method: from uniform u and v

    r = sqrt(-2 ln(1 - u)),  t = tan(pi (v - 1/2)),  r (1 - t^2) / (1 + t^2),  r 2 t / (1 + t^2),

the cosine and the sine of one angle by its half: one slow function instead of two. The blocks go
in groups: GROUP blocks of u, then as many of v, become as many of cosines, then of sines, all in
the places of the bits they are made from; the last group is as small as the numbers allow. The CPU
works on a group at a time, which stays in the cache.
"""

from __future__ import annotations

from typing import Any

BLOCK_BYTES = 32
GROUP = 1024

_TYPES = {"float32": "float", "float64": "double"}
_MASK = (1 << 64) - 1

# No product may be contracted with a sum: NumPy rounds both. The host compiler, which the tests
# use, is kept from it by `volatile`.
_TEXT = """
typedef unsigned long long word;
const int per_block = 32 / sizeof(real), group = GROUP;

#ifdef __CUDA_ARCH__
__device__ word high_product(word a, word b) { return __umul64hi(a, b); }
__device__ float product(float a, float b) { return __fmul_rn(a, b); }
__device__ double product(double a, double b) { return __dmul_rn(a, b); }
__device__ float sum(float a, float b) { return __fadd_rn(a, b); }
__device__ double sum(double a, double b) { return __dadd_rn(a, b); }
#else
static word high_product(word a, word b) { return (word)((unsigned __int128)a * b >> 64); }
static real product(real a, real b) { volatile real rounded = a * b; return rounded; }
static real sum(real a, real b) { return a + b; }
#endif

struct Block {
    word words[4];

    __device__ Block(word index, word number, word key0, word key1) {
        word a = index + 1, b = 0, c = 0, d = number;
        for (int round = 0; round < 10; ++round) {
            const word p = 0xD2E7470EE14C6C93ULL, q = 0xCA5A826395121157ULL;
            const word next_a = high_product(q, c) ^ b ^ key0;
            const word next_c = high_product(p, a) ^ d ^ key1;
            b = q * c;
            d = p * a;
            a = next_a;
            c = next_c;
            key0 += 0x9E3779B97F4A7C15ULL;
            key1 += 0xBB67AE8584CAA73BULL;
        }
        words[0] = a;
        words[1] = b;
        words[2] = c;
        words[3] = d;
    }

    // Number i of the block, on [0, 1).
    __device__ real uniform(int i) const {
        if (sizeof(real) == 8) return (real)(words[i] >> 11) * (real)(1.0 / 9007199254740992.0);
        const unsigned int half = (unsigned int)(words[i / 2] >> 32 * (i % 2));
        return (real)(half >> 8) * (real)(1.0 / 16777216.0);
    }
};

extern "C" __global__ void uniform(
    real* out, long long n, word key0, word key1, word number,
    double low, double width
) {
    const long long index = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const long long start = index * per_block;
    if (start >= n) return;
    const Block block(index, number, key0, key1);
    for (int i = 0; i < per_block; ++i)
        if (start + i < n)
            out[start + i] = sum(product(block.uniform(i), (real)width), (real)low);
}

extern "C" __global__ void normal(
    real* out, long long n, word key0, word key1, word number,
    double mean, double std
) {
    const long long index = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const long long pairs = (n + 2 * per_block - 1) / (2 * per_block);
    if (index >= pairs) return;
    const long long first = index / group * group;
    const long long half = pairs - first < group ? pairs - first : group;
    const Block lengths(first + index, number, key0, key1);
    const Block angles(first + index + half, number, key0, key1);
    const long long start = (first + index) * per_block, turned = start + half * per_block;
    for (int i = 0; i < per_block; ++i) {
        const real r = (real)std * sqrt((real)-2 * log(1 - lengths.uniform(i)));
        const real t = tan((real)3.141592653589793 * (angles.uniform(i) - (real)0.5));
        const real square = product(t, t), scale = r / sum(1, square);
        if (start + i < n)
            out[start + i] = sum(product(sum(1, -square), scale), (real)mean);
        if (turned + i < n)
            out[turned + i] = sum(product(2 * t, scale), (real)mean);
    }
}
"""


def key(seed: int) -> tuple[int, int]:
    """Return the two words of the key, the low one first."""
    return seed & _MASK, seed >> 64


def kernel_text(dtype: Any) -> str:
    """Return the kernels `uniform` and `normal` for float32 or float64, as CUDA C++.

    Both take ``(out, n, key0, key1, number, ...)``, of which `number` is that of the draw. The last
    two arguments are ``low, width`` or ``mean, std``. A thread makes one block of uniform numbers,
    or two of normal ones.
    """
    return f"#define GROUP {GROUP}\ntypedef {_TYPES[str(dtype)]} real;\n{_TEXT}"
