// NVIDIA's header of this name, as far as kernels go that store bfloat16 and count in float.
//
// A bfloat16 is the upper half of a float. What is rounded goes to the nearest, of two equally near
// ones to the even one, and every NaN becomes the one that NVIDIA's cards write.
#pragma once
#include "host_cuda.h"

namespace host_cuda {

static inline unsigned short bfloat16_bits(float x) {
  unsigned bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
  return (unsigned short)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

// By way of float, but rounded once: what the float left out keeps it from being a tie.
static inline unsigned short bfloat16_bits(double x) {
  float rounded = (float)x;
  if ((double)rounded == x || x != x) return bfloat16_bits(rounded);
  unsigned bits = __float_as_uint(rounded);
  bool away_from_zero = std::fabs((double)rounded) > std::fabs(x);
  return bfloat16_bits(__uint_as_float((bits - away_from_zero) | 1));
}

}  // namespace host_cuda

struct __nv_bfloat16_raw {
  unsigned short x;
};

struct __nv_bfloat16 {
  unsigned short bits;
  __nv_bfloat16() = default;
  __nv_bfloat16(const __nv_bfloat16_raw& raw) : bits(raw.x) {}
  __nv_bfloat16(float x) : bits(host_cuda::bfloat16_bits(x)) {}
  __nv_bfloat16(double x) : bits(host_cuda::bfloat16_bits(x)) {}
  __nv_bfloat16(int x) : __nv_bfloat16((double)x) {}
  __nv_bfloat16(unsigned x) : __nv_bfloat16((double)x) {}
  operator __nv_bfloat16_raw() const { return {bits}; }
  operator float() const { return __uint_as_float((unsigned)bits << 16); }
};
typedef __nv_bfloat16 nv_bfloat16;

static inline __nv_bfloat16 __float2bfloat16(float x) { return x; }
static inline __nv_bfloat16 __float2bfloat16_rn(float x) { return x; }
static inline __nv_bfloat16 __double2bfloat16(double x) { return x; }
static inline __nv_bfloat16 __int2bfloat16_rn(int x) { return x; }
static inline __nv_bfloat16 __uint2bfloat16_rn(unsigned x) { return x; }
static inline float __bfloat162float(__nv_bfloat16 x) { return x; }
static inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 x) { return x.bits; }
static inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) {
  return __nv_bfloat16_raw{bits};
}
static inline bool __hisnan(__nv_bfloat16 x) { return (x.bits & 0x7fff) > 0x7f80; }
static inline int __hisinf(__nv_bfloat16 x) {
  return (x.bits & 0x7fff) != 0x7f80 ? 0 : x.bits & 0x8000 ? -1 : 1;
}
