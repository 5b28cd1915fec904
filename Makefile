# Callboard: everything starts here. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
ARGS ?=

.PHONY: help up test lint format types bench bench-search docs assets lock wheel clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*## "} {printf "  make %-12s %s\n", $$1, $$2}'

up: $(VENV)/.up assets ## Start the portal with the demo organisation at http://127.0.0.1:7007
	@exec $(BIN)/callboard up --demo $(ARGS)

# What drives whole portals and browsers runs by itself, so that nothing else takes its time.
ALONE := tests/e2e tests/compat tests/survival
test: $(VENV)/.dev assets lint ## Run every check and test; ARGS for some: make test ARGS=src/callboard/lib
ifdef ARGS
	@$(BIN)/pytest $(ARGS)
else
	@$(BIN)/pytest -n 2 --dist loadfile $(addprefix --ignore=,$(ALONE))
	@$(BIN)/pytest $(ALONE)
endif

lint: $(VENV)/.dev ## Check style, types, templates and who imports whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy
	@$(BIN)/djlint src --lint --quiet

format: $(VENV)/.dev ## Bring code and templates into the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev assets ## Measure ingestion, requests and documentation; results go to benchmarks/
	@$(BIN)/python benchmarks/run.py $(ARGS)
	@$(BIN)/python benchmarks/techdocs/run.py
	@$(BIN)/python benchmarks/scaffolder/render.py
	@$(BIN)/python benchmarks/access/bench_access.py

bench-search: $(VENV)/.dev assets ## Measure how well and how fast search finds; results go to benchmarks/search/
	@$(BIN)/python benchmarks/search/quality.py
	@$(BIN)/python benchmarks/search/speed.py --entities 10000 --sections 0
	@$(BIN)/python benchmarks/search/speed.py --entities 100000 --sections 50000

docs: $(VENV)/.dev ## Write the generated reference pages
	@$(BIN)/python -m callboard.project.reference_docs

DIST := src/callboard/core/ui/static/callboard/dist
assets: $(DIST)/manifest.json ## Build style sheets and scripts

$(DIST)/manifest.json: node_modules/.package-lock.json $(shell find assets -type f 2>/dev/null)
	@PATH="$(CURDIR)/$(BIN):$$PATH" node assets/build.mjs
	@touch $@

node_modules/.package-lock.json: package-lock.json .npmrc | $(VENV)/.up
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(VENV)/.up: requirements-assets.lock pyproject.toml
	@scripts/venv $(PYTHON) $(VENV) requirements-assets.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	@scripts/venv $(PYTHON) $(VENV) requirements-dev.lock
	@touch $(VENV)/.up $@

lock: ## Choose newest versions again and write the lock files
	@for set in "requirements.lock" "requirements-assets.lock --group assets" "requirements-dev.lock --group dev"; do \
	  set -- $$set; out=$$1; shift; \
	  $(UV) pip compile pyproject.toml $$@ --universal --generate-hashes --no-header --no-emit-index-url \
	    --python-version 3.11 --upgrade --quiet --output-file $$out; \
	done

wheel: assets ## Build the wheel, with assets and demo inside
	@$(UV) build --wheel --python $(BIN)/python --out-dir dist

clean: ## Remove what was built; data in .callboard stays
	@rm -rf $(VENV) node_modules $(DIST) dist build
