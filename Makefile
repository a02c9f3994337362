# Everything runs in .venv, which the first call makes; PYTHON=... names another interpreter. What
# needs CuPy has environments of its own, so that all else is tested without it.
PYTHON ?= python3
BIN := .venv/bin
GPU_TESTS ?= tests/gpu

.PHONY: help demo pictures stubs test test-torch test-gpu-sim test-gpu bench compiler clean

help:
	@echo "make demo          train a network on a picture, results in runs/demo"
	@echo "make pictures      the pictures of README.md and docs/ that are no longer current"
	@echo "make stubs         the type stubs and the page of the operations, after one was added"
	@echo "make test          lint, types and tests"
	@echo "make test-torch    the operations beside PyTorch's"
	@echo "make test-gpu-sim  the GPU tests with the real CuPy, but no GPU: needs g++"
	@echo "make test-gpu      the GPU tests and benchmarks on an NVIDIA GPU: needs g++"
	@echo "make bench         speed and memory beside PyTorch, JAX and hand-written NumPy"
	@echo "make clean         remove the environments, runs/demo and what the tools left"

demo: .venv/installed-examples
	$(BIN)/python examples/reconstruct_image.py --out runs/demo

pictures: .venv/installed-examples
	$(BIN)/python docs/make_pictures.py

stubs: .venv/installed-test
	$(BIN)/python docs/make_stubs.py
	$(BIN)/python docs/make_operations.py

# Two workers share the cores, so each keeps to one BLAS thread.
test: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n 2

# PyTorch is large: only this wants it.
test-torch: .venv/installed-torch
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n 2 tests/ops/test_beside_torch.py

# Each worker compiles kernels, mostly on the first call: they are kept in the environment.
test-gpu-sim: compiler .venv-gpu-sim/installed
	AI_GPU=sim OPENBLAS_NUM_THREADS=1 .venv-gpu-sim/bin/pytest -n auto $(GPU_TESTS)

# The benchmarks come first: they note down what fails and go on.
test-gpu: compiler .venv-gpu/installed
	.venv-gpu/bin/python -m tests.benchmarks.gpu
	AI_GPU=real .venv-gpu/bin/pytest -m 'gpu and not slow' tests/gpu

compiler:
	@command -v g++ >/dev/null || { \
	  echo "make $(MAKECMDGOALS) compiles what counts CuPy's calls, and finds no g++." \
	    "Install it, with Python's headers; on Debian: apt install g++ python3-dev" >&2; exit 1; }

bench: .venv/installed-bench
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf .venv .venv-gpu .venv-gpu-sim runs/demo* build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install = $(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable

.venv/installed-%: pyproject.toml .venv/created
	$(install) '.[$*]'
	@touch $@

.venv-gpu-sim/installed: pyproject.toml .venv-gpu-sim/created
	$(install) '.[gpu-sim]'
	@touch $@

.venv-gpu/installed: pyproject.toml .venv-gpu/created
	$(install) '.[gpu-real]'
	@touch $@

.venv/created .venv-gpu-sim/created .venv-gpu/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "autograd_iron needs Python 3.11 or newer; $(PYTHON) --version says: $$($(PYTHON) --version 2>&1)." \
	    "Try: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(@D)
	@touch $@

.PRECIOUS: .venv/installed-%
