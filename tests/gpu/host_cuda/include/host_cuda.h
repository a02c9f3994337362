// What CUDA C++ has beyond C++, for one host thread: enough for CuPy's kernels and for ours.
//
// A kernel's blocks run one after the other. So do the threads of a block, unless the kernel waits
// for others (a barrier, a shuffle): then each thread is a fibre, left only where it waits.
// Forwards or backwards is the caller's choice: a kernel whose result depends on it has a race.
#pragma once
#include <math.h>
#include <stdlib.h>
#include <ucontext.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#define __host__
#define __device__
#define __global__
#define __constant__ static
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __restrict__ __restrict
#define __shared__ static

using std::max;
using std::min;

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
static dim3 threadIdx, blockIdx, blockDim, gridDim;
static const int warpSize = 32;

// ---- blocks and threads ------------------------------------------------------------------------

namespace host_cuda {

enum State : char { RUNNING, AT_BLOCK_BARRIER, AT_WARP_BARRIER, DONE };

struct Fibre {
  ucontext_t context;
  State state;
  int barrier;     // which barrier of the source it stands at
  long long lane;  // what it shows to the other threads of its warp
};

static std::function<void()> body;
static unsigned threads;
static bool uses_barriers, backwards, deadlock;
static char* dynamic_shared_memory;
static std::vector<Fibre> fibres;
static ucontext_t scheduler;
static unsigned current;

static void set_thread_index(unsigned thread) {
  threadIdx.x = thread % blockDim.x;
  threadIdx.y = thread / blockDim.x % blockDim.y;
  threadIdx.z = thread / blockDim.x / blockDim.y;
}

static void fibre_entry() {
  body();
  fibres[current].state = DONE;
  swapcontext(&fibres[current].context, &scheduler);
}

static void wait(State state, int barrier = 0) {
  Fibre& me = fibres[current];
  me.state = state;
  me.barrier = barrier;
  swapcontext(&me.context, &scheduler);
}

// A barrier opens when every thread of the block (or warp) that still runs stands at it.
static bool open_barrier(unsigned first, unsigned last, State state) {
  bool anyone = false;
  int barrier = 0;
  for (unsigned thread = first; thread < last; thread++) {
    const Fibre& fibre = fibres[thread];
    if (fibre.state == DONE) continue;
    if (fibre.state != state) return false;
    if (anyone && fibre.barrier != barrier) deadlock = true;  // they wait in two places
    anyone = true;
    barrier = fibre.barrier;
  }
  for (unsigned thread = first; anyone && thread < last; thread++)
    if (fibres[thread].state == state) fibres[thread].state = RUNNING;
  return anyone;
}

static void start_fibres() {
  const size_t STACK = 64 * 1024;
  static std::vector<std::vector<char>> stacks;
  if (stacks.size() < threads) stacks.resize(threads, std::vector<char>(STACK));
  fibres.assign(threads, Fibre());
  for (unsigned thread = 0; thread < threads; thread++) {
    ucontext_t& context = fibres[thread].context;
    getcontext(&context);
    context.uc_stack.ss_sp = stacks[thread].data();
    context.uc_stack.ss_size = STACK;
    context.uc_link = &scheduler;
    makecontext(&context, fibre_entry, 0);
  }
}

static void run_fibres() {
  start_fibres();
  for (;;) {
    bool progress = false;
    for (unsigned k = 0; k < threads; k++) {
      unsigned thread = backwards ? threads - 1 - k : k;
      if (fibres[thread].state != RUNNING) continue;
      progress = true;
      current = thread;
      set_thread_index(thread);
      swapcontext(&scheduler, &fibres[thread].context);
    }
    for (unsigned warp = 0; warp < threads; warp += warpSize)
      progress |= open_barrier(warp, std::min<unsigned>(threads, warp + warpSize), AT_WARP_BARRIER);
    progress |= open_barrier(0, threads, AT_BLOCK_BARRIER);
    bool anyone_left = false;
    for (const Fibre& fibre : fibres) anyone_left |= fibre.state != DONE;
    if (!anyone_left) return;
    if (!progress) {
      deadlock = true;
      return;
    }
  }
}

static void run_block() {
  if (uses_barriers) return run_fibres();
  for (unsigned k = 0; k < threads; k++) {
    set_thread_index(backwards ? threads - 1 - k : k);
    body();
  }
}

static void run_grid(std::function<void()> kernel, dim3 grid, dim3 block, unsigned shared_bytes) {
  static std::vector<char> shared;
  shared.assign(shared_bytes + 64, 0);
  dynamic_shared_memory = (char*)(((uintptr_t)shared.data() + 63) & ~(uintptr_t)63);
  body = kernel;
  gridDim = grid;
  blockDim = block;
  threads = block.x * block.y * block.z;
  deadlock = false;
  unsigned long long blocks = (unsigned long long)grid.x * grid.y * grid.z;
  for (unsigned long long k = 0; k < blocks; k++) {
    unsigned long long index = backwards ? blocks - 1 - k : k;
    blockIdx.x = index % grid.x;
    blockIdx.y = index / grid.x % grid.y;
    blockIdx.z = index / grid.x / grid.y;
    run_block();
  }
}

// ---- calling a kernel through the array of argument addresses that a launch gives --------------

template <class... A, size_t... I>
void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
  kernel(*(typename std::remove_reference<A>::type*)arguments[I]...);
}

template <class... A>
int launch(void (*kernel)(A...), void** arguments, dim3 grid, dim3 block, unsigned shared_bytes) {
  auto thread = [=] { call(kernel, arguments, std::index_sequence_for<A...>()); };
  run_grid(thread, grid, block, shared_bytes);
  return deadlock;
}

// Write the size of each argument, if asked to, and return how many there are.
template <class... A>
int argument_sizes(void (*)(A...), int* sizes) {
  if (sizes) (void)std::initializer_list<int>{(*sizes++ = sizeof(A))...};
  return sizeof...(A);
}

}  // namespace host_cuda

// `name` is how the host asks for the kernel; the rest is the C++ expression for it (which may hold
// commas, being an instance of a template).
#define HOST_CUDA_EXPORT(name, ...)                                                                \
  extern "C" int host_cuda_launch_##name(void** arguments, unsigned gx, unsigned gy, unsigned gz,  \
                                         unsigned bx, unsigned by, unsigned bz, unsigned shared) { \
    return host_cuda::launch(__VA_ARGS__, arguments, {gx, gy, gz}, {bx, by, bz}, shared);          \
  }                                                                                                \
  extern "C" int host_cuda_sizes_##name(int* sizes) {                                              \
    return host_cuda::argument_sizes(__VA_ARGS__, sizes);                                          \
  }

// ---- barriers, shuffles and votes --------------------------------------------------------------

#define __syncthreads() host_cuda::wait(host_cuda::AT_BLOCK_BARRIER, __COUNTER__ + 1)
static inline void __syncwarp(unsigned = ~0u) { host_cuda::wait(host_cuda::AT_WARP_BARRIER); }
static inline void __threadfence() {}
static inline void __threadfence_block() {}

namespace host_cuda {

static inline int own_lane() { return current % warpSize; }

template <class T>
T from_lane(T value, unsigned lane) {
  static_assert(sizeof(T) <= sizeof(long long), "a lane holds 8 bytes");
  unsigned me = current;
  unsigned source = me - me % warpSize + lane % warpSize;
  std::memcpy(&fibres[me].lane, &value, sizeof value);
  wait(AT_WARP_BARRIER);
  std::memcpy(&value, &fibres[source < threads ? source : me].lane, sizeof value);
  wait(AT_WARP_BARRIER);
  return value;
}

static inline unsigned ballot(bool yes) {
  unsigned me = current, first = me - me % warpSize, mask = 0;
  fibres[me].lane = yes;
  wait(AT_WARP_BARRIER);
  for (unsigned thread = first; thread < threads && thread < first + warpSize; thread++)
    if (fibres[thread].state != DONE && fibres[thread].lane) mask |= 1u << (thread - first);
  wait(AT_WARP_BARRIER);
  return mask;
}

}  // namespace host_cuda

static inline unsigned __ballot_sync(unsigned, int yes) { return host_cuda::ballot(yes); }
static inline int __any_sync(unsigned, int yes) { return host_cuda::ballot(yes) != 0; }
static inline int __all_sync(unsigned, int yes) { return host_cuda::ballot(!yes) == 0; }
template <class T>
T __shfl_sync(unsigned, T value, int lane, int = 32) {
  return host_cuda::from_lane(value, lane);
}
template <class T>
T __shfl_xor_sync(unsigned, T value, int mask, int = 32) {
  return host_cuda::from_lane(value, host_cuda::own_lane() ^ mask);
}
template <class T>
T __shfl_up_sync(unsigned, T value, int delta, int = 32) {
  int lane = host_cuda::own_lane();
  return host_cuda::from_lane(value, lane < delta ? lane : lane - delta);
}
template <class T>
T __shfl_down_sync(unsigned, T value, int delta, int = 32) {
  int lane = host_cuda::own_lane();
  return host_cuda::from_lane(value, lane + delta >= warpSize ? lane : lane + delta);
}

// ---- bits and rounding -------------------------------------------------------------------------

namespace host_cuda {
template <class From, class To>
To bits(From value) {
  static_assert(sizeof(From) == sizeof(To), "");
  To same;
  std::memcpy(&same, &value, sizeof same);
  return same;
}
}  // namespace host_cuda

static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline unsigned __umulhi(unsigned a, unsigned b) {
  return (unsigned)((unsigned long long)a * b >> 32);
}
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned long long)((unsigned __int128)a * b >> 64);
}

static inline int __float_as_int(float x) { return host_cuda::bits<float, int>(x); }
static inline unsigned __float_as_uint(float x) { return host_cuda::bits<float, unsigned>(x); }
static inline float __int_as_float(int x) { return host_cuda::bits<int, float>(x); }
static inline float __uint_as_float(unsigned x) { return host_cuda::bits<unsigned, float>(x); }
static inline long long __double_as_longlong(double x) {
  return host_cuda::bits<double, long long>(x);
}
static inline double __longlong_as_double(long long x) {
  return host_cuda::bits<long long, double>(x);
}
static inline int __double2hiint(double x) { return (int)(__double_as_longlong(x) >> 32); }
static inline int __double2loint(double x) { return (int)__double_as_longlong(x); }
static inline double __hiloint2double(int high, int low) {
  return __longlong_as_double(((long long)high << 32) | (unsigned)low);
}

// What these give is rounded, never contracted to a fused multiply-add: memory is where it rounds.
#define HOST_CUDA_ROUNDED(name, T, op)      \
  static inline T __##name##_rn(T a, T b) { \
    volatile T rounded = a op b;            \
    return rounded;                         \
  }
HOST_CUDA_ROUNDED(fadd, float, +)
HOST_CUDA_ROUNDED(fsub, float, -)
HOST_CUDA_ROUNDED(fmul, float, *)
HOST_CUDA_ROUNDED(fdiv, float, /)
HOST_CUDA_ROUNDED(dadd, double, +)
HOST_CUDA_ROUNDED(dsub, double, -)
HOST_CUDA_ROUNDED(dmul, double, *)
HOST_CUDA_ROUNDED(ddiv, double, /)
static inline float __fsqrt_rn(float x) { return std::sqrt(x); }
static inline double __dsqrt_rn(double x) { return std::sqrt(x); }
static inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
static inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }

static inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
static inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
static inline float __fdividef(float a, float b) { return a / b; }
// glibc keeps the names __expf and __logf for itself.
static inline float host_cuda_expf(float x) { return std::exp(x); }
static inline float host_cuda_logf(float x) { return std::log(x); }
#define __expf host_cuda_expf
#define __logf host_cuda_logf

// ---- half precision: stored, and turned into float to count with -------------------------------

struct __half {
  unsigned short bits;
  __half() = default;
  __half(float x) : bits(host_cuda::bits<_Float16, unsigned short>((_Float16)x)) {}
  operator float() const { return (float)host_cuda::bits<unsigned short, _Float16>(bits); }
};
static inline __half __float2half(float x) { return __half(x); }
static inline float __half2float(__half x) { return x; }

// CuPy brings a `half` of its own, made of an unsigned short by these.
static inline unsigned short __float2half_rn(float x) { return __half(x).bits; }
static inline float __half2float(unsigned short x) {
  return (float)host_cuda::bits<unsigned short, _Float16>(x);
}
struct half;
template <class H>
unsigned short __half_as_ushort(H x) {
  return host_cuda::bits<H, unsigned short>(x);
}
half __ushort_as_half(unsigned short x);
#define HOST_CUDA_DEFINE_CUPY_HALF \
  half __ushort_as_half(unsigned short x) { return host_cuda::bits<unsigned short, half>(x); }

// ---- atomics: nobody else is running -----------------------------------------------------------

template <class T>
T __ldg(const T* address) {
  return *address;
}

namespace host_cuda {
template <class T>
T replace(T* address, T value) {
  T before = *address;
  *address = value;
  return before;
}
}  // namespace host_cuda

#define HOST_CUDA_ATOMIC(T, name, result) \
  static inline T atomic##name(T* p, T v) { return host_cuda::replace(p, (T)(result)); }
#define HOST_CUDA_ATOMIC_COMPARE(T)                        \
  static inline T atomicCAS(T* p, T expected, T v) {       \
    return host_cuda::replace(p, *p == expected ? v : *p); \
  }
#define HOST_CUDA_ATOMIC_BITS(T)  \
  HOST_CUDA_ATOMIC(T, And, *p& v) \
  HOST_CUDA_ATOMIC(T, Or, *p | v) \
  HOST_CUDA_ATOMIC(T, Xor, *p ^ v)
#define HOST_CUDA_ATOMIC_NUMBER(T) \
  HOST_CUDA_ATOMIC(T, Add, *p + v) \
  HOST_CUDA_ATOMIC(T, Exch, v)
#define HOST_CUDA_ATOMIC_INTEGER(T)         \
  HOST_CUDA_ATOMIC_NUMBER(T)                \
  HOST_CUDA_ATOMIC_BITS(T)                  \
  HOST_CUDA_ATOMIC_COMPARE(T)               \
  HOST_CUDA_ATOMIC(T, Sub, *p - v)          \
  HOST_CUDA_ATOMIC(T, Max, *p > v ? *p : v) \
  HOST_CUDA_ATOMIC(T, Min, *p < v ? *p : v)

HOST_CUDA_ATOMIC_INTEGER(int)
HOST_CUDA_ATOMIC_INTEGER(unsigned)
HOST_CUDA_ATOMIC_INTEGER(unsigned long long)
HOST_CUDA_ATOMIC_NUMBER(float)
HOST_CUDA_ATOMIC_NUMBER(double)
HOST_CUDA_ATOMIC_BITS(long long)
HOST_CUDA_ATOMIC(long long, Max, *p > v ? *p : v)
HOST_CUDA_ATOMIC(long long, Min, *p < v ? *p : v)
HOST_CUDA_ATOMIC_COMPARE(unsigned short)
