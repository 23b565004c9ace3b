# Everything that a developer does, from a fresh clone: make, gcc and Python 3.11 or 3.12 are
# enough. `make help` lists the targets; each sets up what it needs.

# What is passed on: `make run ARGS=--exit`, `make test ARGS='-k claim'`.
ARGS ?=

# Whose sample `make run` plays: aquatic_products, two_tier_distribution; unset: fmcg_distributor.
PLUGIN ?=

# The interpreter of the virtual environment: the first of these that is 3.11 or 3.12.
# durable-rules does not import on 3.13.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))
PYTHON ?= $(shell for python in python3.11 python3.12 python3 python; do \
	if $$python -c '$(SUPPORTED)' 2>/dev/null; then echo $$python; break; fi; done)

VENV := .venv
BIN := $(VENV)/bin
LIBRARIES := $(VENV)/.libraries
WORKSPACE := $(VENV)/.workspace
DISTRIBUTIONS := $(wildcard proto/pyproject.toml services/*/pyproject.toml plugins/*/pyproject.toml)
# The packages that hold Lua scripts: gonghai_pool.store and its like.
SCRIPTS := $(patsubst %,%.store,$(notdir $(patsubst %/store/lua,%,$(wildcard services/*/src/*/store/lua))))

# What Python compiles is kept beside the libraries, whatever the environment says of bytecode: a
# service, a plugin's process or a command starts in less than half the time by it, and the tests
# start hundreds.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/.bytecode

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test lint format proto bench faults lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

setup: $(WORKSPACE) ## make the virtual environment: libraries by hash, then the workspace

run: $(WORKSPACE) ## start everything, play the main flow, serve until Ctrl-C (PLUGIN=… whose sample, ARGS=--exit ends after it)
	$(BIN)/gonghai demo $(if $(PLUGIN),--plugin $(PLUGIN)) $(ARGS)

test: $(WORKSPACE) ## run all tests and list the requirements that have none
	$(BIN)/python -m pytest $(ARGS)

lint: $(WORKSPACE) ## check style, types, imports, contracts and the headers of the Lua scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd proto && ../$(BIN)/buf lint
	$(BIN)/python -m gonghai_chassis.store.headers $(SCRIPTS)

format: $(WORKSPACE) ## write the code as lint wants to see it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: $(WORKSPACE) ## make the typed stubs from the contracts
	$(BIN)/python proto/make_stubs.py

bench: $(WORKSPACE) ## measure, beside the baselines
	$(BIN)/python -m tests.benchmarks $(ARGS)

faults: $(WORKSPACE) ## break real processes under load and check the record (ARGS='--seed 7 --only F1')
	$(BIN)/python -m tests.faults $(ARGS)

# The lock serves both Pythons and names no address: where packages come from is the machine's
# affair, what they are is ours.
lock: $(WORKSPACE) ## pin the newest versions of requirements.in in requirements.lock
	$(BIN)/uv pip compile --no-config --quiet --upgrade --universal --generate-hashes --no-header \
		--python-version 3.11 requirements.in --output-file requirements.lock

clean: ## remove the virtual environment and what tools left behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find proto services plugins tests -name __pycache__ -prune -exec rm -rf {} +

# durable-rules comes as source only and builds with the setuptools that is installed, so that
# its build is pinned as well. uv does the rest five times faster than pip, where it can be had.
$(LIBRARIES): requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@sed -n '/^setuptools==/,/# via/p' requirements.lock > $(VENV)/setuptools.lock
	@sed -n '/^uv==/,/# via/p' requirements.lock > $(VENV)/uv.lock
	@echo "installing the libraries …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--only-binary :all: -r $(VENV)/setuptools.lock
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--only-binary :all: -r $(VENV)/uv.lock; then \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-build-isolation \
			--only-binary :all: --no-binary durable-rules -r requirements.lock; \
	else \
		echo "no uv for this machine: pip takes a minute"; \
		sed '/^uv==/,/# via/d' requirements.lock > $(VENV)/others.lock; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
			--no-build-isolation --only-binary :all: --no-binary durable-rules \
			-r $(VENV)/others.lock; \
	fi
	@touch $@

$(WORKSPACE): $(LIBRARIES) $(DISTRIBUTIONS)
	@echo "installing the workspace …"
	@set -- $(patsubst %/pyproject.toml,-e ./%,$(DISTRIBUTIONS)); \
	if test -x $(BIN)/uv; then \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation "$$@"; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
			--no-build-isolation "$$@"; \
	fi
	@touch $@
