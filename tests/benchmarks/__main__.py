"""All benchmarks: `python -m tests.benchmarks`."""

from tests.benchmarks import compiled, eager, imports

imports.main([])
eager.main([])
compiled.main([])
