# make demo · make test · make soak · make bench — each sets up what it needs; all are idempotent.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Checks of examples and tests find a workspace's tools there, and not whatever the machine happens to have.
WITH_TOOLS := PATH="$(CURDIR)/$(VENV)/workspace/bin:$(CURDIR)/$(BIN):$$PATH"
WORKERS ?= 2
export PYTHONPATH :=

.PHONY: demo test pytest soak bench setup system test-tools lint lock schema clean

demo: $(VENV)/.ready
	@echo '$$ torre fix examples/py-tests'
	@$(WITH_TOOLS) $(BIN)/torre fix examples/py-tests

test: setup test-tools
	@$(MAKE) --no-print-directory -j2 lint pytest  # the type checker has one thread, and the tests wait at times

pytest:
	$(WITH_TOOLS) $(BIN)/pytest -n $(WORKERS) --dist worksteal --durations=30 --durations-min=5

# Every repetition test at its full count, and ten minutes for each fuzz target; one at a time, for hours.
soak: setup test-tools
	$(WITH_TOOLS) TORRE_SOAK=10 TORRE_FUZZ_SECONDS=$${TORRE_FUZZ_SECONDS:-600} \
		$(BIN)/pytest -n 0 -o timeout=3600 $$(grep -rlE 'TORRE_(SOAK|FUZZ_SECONDS)' tests --include='*.py')

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(WITH_TOOLS) $(BIN)/python -m bench.run

setup:
	@$(MAKE) --no-print-directory -j2 $(VENV)/.ready node_modules/.ready

system:
	@tools/system.sh $(PYTHON)

# What only the tests need beyond that: a browser for the dashboard, a Prometheus for the metrics, curl for the docs,
# gVisor for `isolation: strong`.
test-tools:
	@tools/packages.sh --lean chromium=chromium curl=curl prometheus=prometheus runsc=runsc

$(VENV)/.ready: pyproject.toml requirements.lock tools/setup.sh | system
	tools/setup.sh $(PYTHON) $(VENV)
	@touch $@

node_modules/.ready: package.json package-lock.json | system
	npm install --no-save --no-fund --no-audit  # not `ci`: it refuses a registry that lacks other platforms' binaries
	@touch $@

lock:
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--no-annotate --extra providers --extra server --extra telemetry --extra sandlock --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) node_modules dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

schema: setup
	$(BIN)/torre policy schema --write docs/schema/providers.schema.json
	$(BIN)/torre schema openapi > docs/schema/openapi.json
	$(BIN)/python tools/references.py docs
