# make demo · make test · make bench — each sets up what it needs; all are idempotent.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
export PYTHONPATH :=

.PHONY: demo test bench setup lint lock schema clean

demo: $(VENV)/.ready
	@echo '$$ torre fix examples/py-tests'
	@$(BIN)/torre fix examples/py-tests

test: setup lint
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m bench.run

setup: $(VENV)/.ready node_modules/.ready

$(VENV)/.ready: pyproject.toml requirements.lock tools/setup.sh
	tools/setup.sh $(PYTHON) $(VENV)
	@touch $@

node_modules/.ready: package.json package-lock.json
	@command -v npm >/dev/null || { echo 'npm is missing: install Node.js 20 or later (Debian: apt-get install nodejs npm)' >&2; exit 1; }
	npm install --no-save --no-fund --no-audit  # not `ci`: it refuses a registry that lacks other platforms' binaries
	@touch $@

lock:
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--no-annotate --extra providers --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) node_modules dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

schema: setup
	$(BIN)/torre policy schema --write docs/schema/providers.schema.json
