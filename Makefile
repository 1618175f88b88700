# django_jazzauth: `make demo` shows it, `make test` proves it.

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
STAMP := $(VENV)/.ready
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench test-ecosystem test-ecosystem-fast docs migrations clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-20s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make the environment

$(STAMP): pyproject.toml constraints.txt .ci/setup
	@.ci/setup $(VENV)
	@touch $@

demo: $(STAMP) ## Run the example project with the tour (ARGS=--check: the tour alone)
	@$(PYTHON) manage.py demo $(ARGS)

test: $(STAMP) ## Run the tests on SQLite, and on the servers that answer on loopback
	@.ci/test $(BIN)

lint: $(STAMP) ## Style, types, and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMP) ## Measure against stock Django, interleaved
	@$(PYTHON) -m benchmarks $(ARGS)

test-ecosystem: $(STAMP) ## Other projects' own test suites, stock against ours
	@$(PYTHON) -m tests.ecosystem $(ARGS)

test-ecosystem-fast: $(STAMP) ## Django's auth and session tests only
	@$(PYTHON) -m tests.ecosystem --fast $(ARGS)

docs: $(STAMP) ## Build the documentation into var/docs
	@$(BIN)/sphinx-build -W -q -b html docs var/docs

migrations: $(STAMP) ## Write missing migrations
	@$(PYTHON) manage.py makemigrations

clean: ## Remove the environment and everything generated
	@rm -rf $(VENV) var .mypy_cache .pytest_cache .ruff_cache .hypothesis
