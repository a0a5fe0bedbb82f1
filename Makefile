# One command for each thing. `make help` lists them.

# The newest supported Python that can make virtual environments. Name another with `make setup PYTHON=...`.
SUPPORTED := 3.13 3.12 3.11
PYTHON ?= $(shell for python in $(SUPPORTED:%=python%) python3; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null \
	&& echo $$python && break; done)
# `make setup TORCH=cpu` installs the small CPU-only build of PyTorch on Linux, instead of the CUDA build from PyPI.
TORCH ?= default
TORCH_INDEX_cpu := --extra-index-url https://download.pytorch.org/whl/cpu

EXTRAS := embedded,speakers,sample,audit,dev
VENV := .venv
BIN := $(VENV)/bin
# Tests start many processes, which keep the compiled modules whatever the environment says.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
STAMP := $(VENV)/.installed

.PHONY: help setup demo test test-quick check check-lock format docs lock clean

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## make .venv with everything in it

$(STAMP): pyproject.toml constraints.txt
	@$(BIN)/python -c '' 2>/dev/null || test -n "$(PYTHON)" || { echo "Videolake needs Python 3.11, 3.12 or 3.13 with \
	venv, and found none. Ubuntu, Debian: apt install python3 python3-venv. Fedora: dnf install python3.13. macOS: brew \
	install python@3.13. If it is elsewhere: make setup PYTHON=/path/to/python3" | tr -d '\t' >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing Videolake, its models and its tools into $(VENV) with $$($(BIN)/python --version)."
	@echo "This downloads 1 to 4 GB and takes from 3 to 20 minutes; the next time, it is done."
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25"
	$(BIN)/python -m pip install -c constraints.txt $(TORCH_INDEX_$(TORCH)) -e '.[$(EXTRAS)]'
	@touch $(STAMP)

demo: setup  ## make a small archive, analyse it, and show what was found
	$(BIN)/videolake sample demo/archive
	$(BIN)/videolake run demo/archive --lake demo/lake || test $$? -eq 3
	@$(BIN)/python examples/show_demo.py demo/lake

test: setup  ## run the tests
	$(PYTEST)

test-quick: setup  ## run the tests that need no models, Ray, Prefect or browser
	$(PYTEST) --quick

check: setup  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

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
