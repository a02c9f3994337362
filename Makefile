# Everything runs in .venv, which the first call makes; PYTHON=... names another interpreter.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test bench clean

help:
	@echo "make demo    train a network on a picture, results in runs/demo"
	@echo "make test    lint, types and tests"
	@echo "make bench   speed and memory beside PyTorch, JAX and hand-written NumPy"
	@echo "make clean   remove .venv, runs/demo and what the tools left"

demo: .venv/installed-examples
	$(BIN)/python examples/reconstruct_image.py --out runs/demo

# Two workers share the cores, so each keeps to one BLAS thread.
test: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n 2

bench: .venv/installed-bench
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf .venv runs/demo* build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed-%: pyproject.toml .venv/created
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

.venv/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "autograd_iron needs Python 3.11 or newer; $(PYTHON) --version says: $$($(PYTHON) --version 2>&1)." \
	    "Try: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

.PRECIOUS: .venv/installed-%
