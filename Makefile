# One command for each thing. `make help` lists them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help setup demo test check format docs lock clean

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP)  ## make .venv with everything in it

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[embedded,speakers,sample,dev]'
	touch $(STAMP)

demo: setup  ## make a small archive, analyse it, and show what was found
	$(BIN)/videolake sample demo/archive
	$(BIN)/videolake run demo/archive --lake demo/lake || test $$? -eq 3
	@$(BIN)/python examples/show_demo.py demo/lake

test: setup  ## run the tests
	$(BIN)/python -m pytest

check: setup  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## let ruff format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## write the parts of docs/ that are generated
	$(BIN)/python -c "from pipeline.lake.reference import table_reference; print(table_reference(), end='')" > docs/reference/tables.md

lock: setup  ## write constraints.txt from what is installed
	$(BIN)/python -m pip freeze --exclude-editable | sed -E 's/\+cpu$$//' > constraints.txt

clean:  ## remove what the commands made
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
