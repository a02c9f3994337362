"""Speed and memory beside other ways of doing the same work, always as ratios in one run.

Importing this package readies the process for a fair comparison, before any array library loads.
"""

import os

THREADS = 2

# JAX takes its number of threads from the cores that the process may use; the others are told.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(THREADS)
# These choose OpenBLAS's kernels for NumPy alone, and the second means nothing without the first.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
os.environ["JAX_PLATFORMS"] = "cpu"
# What a first step costs must not depend on what an earlier run left on disk.
os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"
