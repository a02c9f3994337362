// NVIDIA's header of this name, as far as kernels go that only store half precision.
#pragma once
#include "host_cuda.h"

#define half __half  // a typedef would meet the struct that CuPy's kernels define
