# django_jazzauth: `make demo` shows it, `make test` proves it, `make help` lists the rest.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DOCS := $(VENV)/.ready-docs
ARGS ?=
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup demo conformance-server frontend test lint bench bench-http bench-instructions bench-log test-ecosystem test-ecosystem-fast docs migrations clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-20s %s\n", $$1, $$2}'

setup: $(READY) ## Make the environment in .venv, or bring it up to date

$(READY): pyproject.toml constraints.txt .ci/setup
	@.ci/setup $(VENV) constraints.txt
	@touch $@

$(READY_DOCS): $(READY) constraints-docs.txt
	@.ci/setup $(VENV) constraints-docs.txt
	@touch $@

demo: $(READY) ## Set the example up, show a tour, serve it (ARGS=--check: the tour alone)
	@$(BIN)/python manage.py demo $(ARGS)

conformance-server: $(READY) ## Serve on port 8000, as the recorded Better Auth server was set up
	@$(BIN)/python manage.py conformance_server --settings example_project.settings_conformance $(ARGS)

test: $(READY) ## Test on SQLite, and on PostgreSQL and MariaDB if they answer (ARGS: for pytest)
	@.ci/test $(BIN) $(ARGS)

frontend: ## Build the page of the example anew (needs Node)
	@cd example_project/frontend && npm ci --silent --no-audit --no-fund --no-update-notifier
	@cd example_project/frontend && node build.mjs

lint: $(READY) ## Style, types, and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(READY) ## Measure against stock Django, interleaved (ARGS=--help: what can be chosen)
	@$(BIN)/python -m benchmarks $(ARGS)

bench-http: $(READY) ## Measure the API over HTTP with wrk, interleaved with other servers
	@$(BIN)/python -m benchmarks.http $(ARGS)

bench-instructions: $(READY) ## Count the instructions of an answer with valgrind, for this release
	@$(BIN)/python -m benchmarks.http.instructions $(ARGS)

bench-log: $(READY) ## Measure how the log grows, and what compaction leaves
	@$(BIN)/python -m benchmarks.http.log $(ARGS)

test-ecosystem: $(READY) ## Other projects' own test suites, stock against ours
	@$(BIN)/python -m tests.ecosystem --parallel 2 $(ARGS)

test-ecosystem-fast: $(READY) ## Django's auth and session tests only
	@$(BIN)/python -m tests.ecosystem --fast --parallel 2 $(ARGS)

docs: $(READY_DOCS) ## Build the documentation into var/docs
	@$(BIN)/sphinx-build -W -q -b html docs var/docs

migrations: $(READY) ## Write missing migrations
	@$(BIN)/python manage.py makemigrations

clean: ## Remove the environment, caches, and the demo with its database and secret
	@rm -rf $(VENV) var .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
