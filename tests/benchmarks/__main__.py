"""All benchmarks: `python -m tests.benchmarks`."""

from tests.benchmarks import compiled, eager

eager.main([])
compiled.main([])
