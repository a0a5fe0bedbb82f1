# One command for each thing. `make help` lists them.

# The newest supported Python that can make virtual environments. Name another with `make setup PYTHON=...`.
SUPPORTED := 3.13 3.12 3.11
CHECK_VERSION := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for python in $(SUPPORTED:%=python%) python3; do \
	$$python -c 'import ensurepip, venv; $(CHECK_VERSION)' 2>/dev/null && echo $$python && break; done)
define NO_PYTHON
Videolake needs Python 3.11, 3.12 or 3.13 with its venv module. To install one:
  Ubuntu 24.04, Debian 12 or 13:  sudo apt install python3-venv
  Ubuntu 22.04:                   sudo apt install python3.11-venv
  Fedora:                         sudo dnf install python3.13
  macOS:                          brew install python@3.13
  Anything else, with uv:         uv python install 3.13
If it is installed but not on PATH: make setup PYTHON=/path/to/python3
endef
export NO_PYTHON

# `make setup TORCH=cpu` installs the small CPU-only build of PyTorch on Linux, instead of the CUDA build from PyPI.
TORCH ?= default
TORCH_INDEX_cpu := --extra-index-url https://download.pytorch.org/whl/cpu

EXTRAS := embedded,speakers,sample,audit,dev
VENV := .venv
BIN := $(VENV)/bin
# Tests start many processes, which keep the compiled modules whatever the environment says. After a crash of a process,
# pytest-xdist would wait for ever. One process more than two cores, as tests of servers and clusters mostly wait.
JOBS ?= 3
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder --max-worker-restart 0
STAMP := $(VENV)/.installed
VENV_WORKS := $(BIN)/python -c 'import pip; $(CHECK_VERSION)' 2>/dev/null

.PHONY: help setup demo test test-quick check check-lock format docs lock clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv with everything in it

$(STAMP): pyproject.toml constraints.txt
	@$(VENV_WORKS) || { test -n "$(PYTHON)" && $(PYTHON) -m venv --clear $(VENV) && $(VENV_WORKS); } \
		|| { echo "$$NO_PYTHON" >&2; exit 1; }
	@echo "Installing Videolake, its models and its tools into $(VENV) with $$($(BIN)/python --version)."
	@echo "It downloads up to 4 GB, needs up to 16 GB of free disk while it installs, and takes 3 to 20 minutes, once."
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25"
	$(BIN)/python -m pip install -c constraints.txt $(TORCH_INDEX_$(TORCH)) -e '.[$(EXTRAS)]'
	@touch $(STAMP)

demo: setup  ## make a small archive, analyse it, and show what was found
	$(BIN)/videolake sample demo/archive
	$(BIN)/videolake run demo/archive --lake demo/lake || test $$? -eq 3
	@$(BIN)/python examples/show_demo.py demo/lake

test: setup  ## run the tests
	$(PYTEST) -n $(JOBS)

test-quick: setup  ## run the tests that need no models, Ray, server or browser
	VIDEOLAKE_EXAMPLES=$${VIDEOLAKE_EXAMPLES:-0.4} $(PYTEST) -n 2 --quick

check: setup  ## ruff, mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup  ## let ruff format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## write the parts of docs/ that are generated
	$(BIN)/python -c "from pipeline.lake.reference import table_reference; print(table_reference(), end='')" > docs/reference/tables.md

lock: setup  ## write constraints.txt from pyproject.toml; UPGRADE=1 takes the newest releases
	$(BIN)/uv pip compile --no-config --quiet --universal --python-version 3.11 --no-annotate --all-extras \
		--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) --output-file constraints.txt pyproject.toml

check-lock: setup  ## resolve constraints.txt for every supported Python and platform
	.ci/check-lock $(BIN)/uv

clean:  ## remove what the commands made
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
