# `make` lists the targets. Nothing has to be installed before: python3 (3.11 or newer), git and make do.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
GO := $(shell command -v go 2>/dev/null)
LOCKS := requirements
RUN_READY := $(VENV)/.run-ready
DEV_READY := $(VENV)/.dev-ready
# Each worker has a control plane of its own (0.5 GB); tests wait for clusters more than they compute.
WORKERS ?= 4
# What the tests of a file share is started once; the longest come first (tests/conftest.py).
SPREAD := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# What is held to a limit in time runs first and alone: others would be measured, too. Beside it
# passes the minute in which nothing may happen (pytest.mark.xdist_group says what runs together).
TIMED := tests/scenarios/test_fault_timed.py tests/browser/test_thousand.py
FIRST := $(TIMED) tests/scenarios/test_quiet_minute.py
SPREAD_FIRST := -n $(if $(filter 0 1,$(WORKERS)),0,2) --dist loadgroup
SOURCES := src tests tools bench

ifdef UV
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
else
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.DEFAULT_GOAL := help
.PHONY: help setup demo tutorial test faults soak fuzz-api screenshots check check-types check-rules fix lock control-plane plane bench bench-compare build clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{ printf "  %-14s %s\n", $$1, $$2 }'

setup: $(DEV_READY) ## make .venv with everything for work on Holdfast

demo: $(RUN_READY) ## show self-healing in under a minute, on a cluster of its own. ARGS=--keep leaves it running
	@$(BIN)/holdfast demo $(ARGS)

tutorial: $(DEV_READY) ## the README's two commands with the real kubectl, measured, on both clusters
	@$(BIN)/python -m tools.tutorial

test: $(DEV_READY) ## run the tests; with Go also on the real control plane (built once, 6 minutes). ARGS="-k word"
ifdef GO
	@$(BIN)/python tools/control_plane.py > /dev/null
endif
ifeq ($(strip $(ARGS)),)
	@$(BIN)/pytest $(SPREAD_FIRST) $(FIRST)
	@$(BIN)/pytest $(SPREAD) $(FIRST:%=--ignore=%)
else
	@$(BIN)/pytest $(SPREAD) $(ARGS)
endif

faults: $(DEV_READY) control-plane ## break the network, the API server, the disk, the clock: nothing is lost. ARGS="-k word"
	@$(BIN)/pytest tests/scenarios/test_fault*.py $(ARGS)

soak: $(DEV_READY) control-plane ## 20 minutes of a seeded adversary. ARGS="--seconds 60 --seed 7"
	@$(BIN)/python -m tests.soak $(ARGS)

fuzz-api: $(DEV_READY) ## 120 s of requests of any form against the API. ARGS="--seconds 20 --seed 7"
	@$(BIN)/python -m tests.fuzz $(ARGS)

screenshots: $(DEV_READY) ## write the pictures of docs/images anew, with the system's Chromium
	@HOLDFAST_PICTURES=docs/images $(BIN)/pytest tests/browser/test_screens.py

check: $(DEV_READY) ## format, lint, types, import rules, sizes, waits of tests, locks
	@$(MAKE) --no-print-directory -j 2 check-types check-rules

check-types: $(DEV_READY)
	$(BIN)/mypy

check-rules: $(DEV_READY)
	$(BIN)/ruff format --check --quiet $(SOURCES)
	$(BIN)/ruff check --quiet $(SOURCES)
	$(BIN)/lint-imports
	$(BIN)/python tools/check_sizes.py
	$(BIN)/python tools/check_test_waits.py
	$(BIN)/python tools/locks.py

fix: $(DEV_READY) ## mend what a tool can mend
	$(BIN)/ruff check --quiet --fix-only $(SOURCES)
	$(BIN)/ruff format --quiet $(SOURCES)

lock: $(DEV_READY) ## renew the locked requirements; UPGRADE=1 takes the newest versions (needs uv)
	$(BIN)/python tools/locks.py --renew $(if $(UPGRADE),--upgrade)

control-plane: ## find or build the real control plane; the last line is the folder of its programs
	@$(PYTHON) tools/control_plane.py

plane: $(DEV_READY) control-plane ## run a real control plane until Ctrl-C; prints its kubeconfig
	@$(BIN)/python -m tests.support.plane

bench: $(DEV_READY) control-plane ## measure heals and first syncs next to the bare limit. ARGS="--apps 200"
	@$(BIN)/python -m bench $(ARGS)

bench-compare: $(DEV_READY) ## compare the newest figures of the benchmark with the last committed ones
	@$(BIN)/python -m bench --compare

build: $(RUN_READY) ## build the wheel and the source archive into dist/
	$(BIN)/python -m hatchling build -d dist

clean: ## remove .venv, caches and builds (not the control plane in ~/.cache)
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Holdfast needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
ifdef UV
	@$(UV) venv --quiet --python $(PYTHON) $(VENV)
else
	@$(PYTHON) -m venv $(VENV)
endif

$(RUN_READY): $(LOCKS)/run.txt $(LOCKS)/build.txt pyproject.toml | $(BIN)/python
	@echo "installing what Holdfast needs into $(VENV)" >&2
	@$(INSTALL) --require-hashes -r $(LOCKS)/run.txt -r $(LOCKS)/build.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_READY): $(RUN_READY) $(LOCKS)/test.txt $(LOCKS)/lint.txt
	@echo "installing the tools for tests and checks into $(VENV)" >&2
	@$(INSTALL) --require-hashes -r $(LOCKS)/test.txt -r $(LOCKS)/lint.txt
	@touch $@
