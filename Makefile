# `make run` and `make test` set up what they need: a virtual environment in .venv, from the lock files.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --require-hashes
# Shows pip's progress as one line; pip's exit code is the pipe's.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
COUNT := awk -v terminal="$$(test -t 2 && echo 1)" ' \
  /^Collecting/ && terminal { printf "  package %d: %-50s\r", ++n, $$2 > "/dev/stderr" } \
  /^Installing/ { printf "  installing the packages%-40s\n", ""; fflush() }'
# Large counts in tests are multiplied by it; CI sets 1.
SCALE ?= 0.1
export SCALE

.PHONY: help run dev install test test-cluster unit lint format bench soak golden docs transcript picture parts lock clean

help:  ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.local  ## Agents at work, from an HTTP request to a pushed branch; REPO= TASK= TAG= DIR= choose, QUEUE=pubsub or nats
	@$(BIN)/python -m functions.clients run --repo "$(REPO)" --task "$(TASK)" --tag "$(TAG)" \
	  --dir "$(or $(DIR),.)"$(if $(QUEUE), --queue "$(QUEUE)")

dev: $(BIN)/orchestrator  ## Everything on this machine until Ctrl-C; REPO= adds a repository of yours, PORT=8900 moves it
	@$(BIN)/python -m functions.clients dev --repo "$(REPO)" $(if $(PORT),--port $(PORT))

install: $(BIN)/orchestrator  ## The command orchestrator, in .venv/bin
	@echo "$(abspath $(BIN))/orchestrator is installed; to find it from anywhere:"
	@echo "  export PATH=$(abspath $(BIN)):\$$PATH"

test: lint  ## Everything this machine can test
	@$(BIN)/python -m compileall -q functions  # for the hundreds of processes that tests start
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-cluster: $(VENV)/.dev  ## What is true of every API server, on the cluster of KUBECONFIG, in namespaces of its own
	@test -f "$(KUBECONFIG)" || { echo "name the cluster: make test-cluster KUBECONFIG=file" >&2; exit 1; }
	TEST_CLUSTER="$(abspath $(KUBECONFIG))" $(BIN)/pytest tests/contract/apiserver tests/cluster

soak: $(VENV)/.dev  ## The generators of tests at ten times the counts of CI, by hand
	SCALE=10 $(BIN)/pytest tests/world/test_anything_left.py tests/world/github/test_histories.py tests/contract/apiserver/test_sequences.py --timeout 7200

unit: $(VENV)/.dev  ## The tests that take milliseconds
	$(BIN)/pytest tests/unit

lint: $(VENV)/.dev  ## Style, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/.dev  ## What it costs, as ratios to baselines of the same run; writes tests/benchmarks/RESULTS.md
	$(BIN)/python -m tests.benchmarks

golden: $(VENV)/.dev  ## Writes tests/golden anew: what every template comes out as
	$(BIN)/python -m tests.support.golden

docs: $(VENV)/.dev  ## Writes the reference pages of docs/ anew, from the code
	$(BIN)/python -m functions.clients.reference

picture: $(VENV)/.dev  ## Writes the pictures of the console in docs/ anew, from the real pages
	$(BIN)/python -m tests.console.picture

transcript: $(VENV)/.dev  ## Writes the transcript of docs/quick-start.md anew, from real commands
	$(BIN)/python -m tests.support.transcript

parts:  ## The optional real parts that some tests run against
	@.ci/parts

lock: $(VENV)/.dev  ## Writes the lock files anew from pyproject.toml
	$(BIN)/python -m pip install --quiet pip-tools
	.ci/lock $(BIN)/pip-compile

clean:
	rm -rf .state build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "the Python module venv is needed (Debian: apt-get install python3-venv)" >&2; exit 1; }

$(VENV)/.local: requirements-local.txt pyproject.toml | $(VENV)/bin/python
	@echo "Setting up $(VENV), once; it takes about half a minute:"
	@$(INSTALL) -r requirements-local.txt | $(COUNT)
	@echo "  compiling"
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib || true
	@touch $@

$(BIN)/orchestrator: pyproject.toml $(VENV)/.local
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.local
	@$(INSTALL) -r requirements-dev.txt | $(COUNT)
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib || true
	@touch $@
