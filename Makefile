# Everything happens in .venv; each target does its own set-up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test sweep check bench clean

demo: $(READY)
	$(BIN)/vidindex demo

test: $(READY)
	$(BIN)/python -m pytest

# The fault tests in their long forms: each system call, a hundred kills. As root, or some skip.
sweep: $(READY)
	FAULTS_SWEEP=1 $(BIN)/python -m pytest --timeout=3600 tests/faults tests/test_moving_machine.py

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --group bench
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(READY): pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "vidindex needs Python 3.11 or newer: make PYTHON=python3.11 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "this Python cannot make a virtual environment; on Debian: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --editable . --group dev
	@touch $(READY)
