# careloop: `make help` lists the targets. Everything is installed into .venv, keyed on what
# pyproject.toml requires: a second run is instant.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

# the first Python of 3.11 to 3.13 that really runs (a version manager's shim may not);
# `make PYTHON=... TARGET` takes another
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for v in 3.11 3.12 3.13 3; do \
  python$$v -c '$(FITS)' 2>/dev/null && { echo python$$v; break; }; done)
REQUIRES = import hashlib, json, sys, tomllib; \
  p = tomllib.load(open("pyproject.toml", "rb")); \
  said = json.dumps([sys.version, p["project"], p["build-system"]], sort_keys=True); \
  print(hashlib.sha256(said.encode()).hexdigest()[:16])
HASH := $(if $(PYTHON),$(shell $(PYTHON) -c '$(REQUIRES)'),none)
BIN := .venv/bin
LOCK := $(if $(shell command -v flock),flock .venv.lock)
TESTS := .venv/.installed-test-$(HASH)
DEMO := $(or $(wildcard $(TESTS)),.venv/.installed-demo-$(HASH))
JARS := .cache/jars/.fetched-$(shell cat benchmarks/jars.py tests/jars.py | cksum | cut -d' ' -f1)

.PHONY: help demo test hapi check bench made clean python

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 8

demo: $(DEMO) ## one patient through the loop, then the pages (ONCE=1: exit; JSON=1, STATE=dir)
	@$(BIN)/careloop demo $(if $(ONCE),--once) $(if $(JSON),--json) $(if $(STATE),--state "$(STATE)")

test: $(TESTS) ## the whole suite; ARGS="-k consent" for a part, which fetches only its parts
	@$(BIN)/python -m $(if $(ARGS),pytest $(ARGS),tests.side_by_side)

hapi: $(TESTS) ## the tests on a real HAPI FHIR, built with Maven (nightly); ARGS="-k corrected"
	@$(BIN)/python -m tests.hapi --build
	@$(BIN)/python -m pytest -m hapi $(ARGS)

check: $(TESTS) ## format, lint, types, import contracts, the limits of the house
	@$(BIN)/ruff format --check --quiet . || { echo "run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >/dev/null || $(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tests.house
	@echo "check: format, lint, types and import contracts hold"

bench: $(TESTS) $(JARS) ## the three arms of docs/performance.md; ARGS="--help" for its options
	@$(BIN)/python -m benchmarks.loop $(ARGS)

made: $(TESTS) ## write anew the files that are made: compose, the chart's schema and goldens
	@$(BIN)/python -m tests.docker.analysers
	@$(BIN)/python -m tests.charts.schema
	@$(BIN)/python -m tests.charts.renders

clean: ## remove what the targets installed and built; the state of a demo (.careloop) stays
	rm -rf .venv .venv.lock .cache build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

python:
	@test -n "$(PYTHON)" || { echo "careloop needs Python 3.11, 3.12 or 3.13 and found none:" \
	  "install one, or run make PYTHON=/path/to/python" >&2; exit 1; }

.venv/.installed-%: | python
	@$(LOCK) .ci/install "$(PYTHON)" "$(firstword $(subst -, ,$*))" "$@"

$(JARS): benchmarks/jars.py tests/jars.py | $(TESTS)
	@echo "fetching the jars of Apache Kafka and of HL7's validator into .cache/jars (150 MB, once)"
	@$(BIN)/python -m tests.jars
	@touch "$@"
