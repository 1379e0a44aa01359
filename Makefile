SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install console run test test-clients bench-feed bench-handover bench-console screenshots lint schema lock

BIN := .venv/bin
NODE := $(shell node -e 'if (+process.versions.node.split(".")[0] >= 20) console.log("yes")' 2>/dev/null)
STAMP := .venv/.installed
CLIENTS := tests/e2e/clients
CLIENTS_STAMP := $(CLIENTS)/node_modules/.installed
CONSOLE := console
CONSOLE_STAMP := $(CONSOLE)/node_modules/.installed
SCHEMA_LINT := tests/schema/lint
SCHEMA_LINT_STAMP := $(SCHEMA_LINT)/node_modules/.installed
BENCH := bench/feed
BENCH_STAMP := $(BENCH)/node_modules/.installed

help: ## Print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Make .venv with the locked requirements and the project in it

$(STAMP): requirements.txt pyproject.toml
	@test -x $(BIN)/python || python3 -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: install $(if $(NODE),console) ## Serve the demo workspace on http://127.0.0.1:8000
	$(BIN)/offboard migrate
	$(BIN)/offboard demo
	$(BIN)/offboard serve

console: $(CONSOLE)/dist/index.html ## Build the admin console into console/dist; needs Node.js 20 or later

$(CONSOLE)/dist/index.html: $(CONSOLE_STAMP) schema/schema.graphql $(shell find $(CONSOLE)/src $(CONSOLE)/graphiql $(CONSOLE)/*.* -type f -not -name api.ts)
	npm run --silent build --prefix $(CONSOLE) -- --logLevel warn

$(CONSOLE_STAMP): $(CONSOLE)/package-lock.json
	npm ci --prefix $(CONSOLE) --ignore-scripts --no-audit --no-fund
	@touch $@

# Twice as many processes as cores, as tests often wait for servers. Tests that are compiled once start sooner next time.
test: TESTERS = $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))
test: export PYTHONDONTWRITEBYTECODE =
test: install $(if $(shell command -v node),$(if $(wildcard $(CLIENTS)/package-lock.json),$(CLIENTS_STAMP)) $(if $(NODE),console)) ## Run every test, on SQLite and on PostgreSQL, and print the coverage
	$(if $(NODE),npm run --silent test --prefix $(CONSOLE),@echo "Node.js 20 is not installed: the console was not tested.")
	$(BIN)/pytest -n $(TESTERS) --dist worksteal --cov --cov-report=term

test-clients: install $(CLIENTS_STAMP) ## Run npm's and Python's GraphQL clients, and npm's audits, against a server; needs Node.js 20
	$(BIN)/pytest -n 2 --on sqlite tests/e2e/test_node_clients.py tests/e2e/test_libraries.py tests/e2e/test_python_clients.py

$(CLIENTS_STAMP): $(CLIENTS)/package-lock.json
	npm ci --prefix $(CLIENTS) --ignore-scripts --no-audit --no-fund
	@touch $@

bench-feed: install $(BENCH_STAMP) ## Measure the feed beside its peers; N=1000 RUNS=1 for a quick look
	$(BIN)/python -m bench.feed $(if $(N),--sizes $(N)) $(if $(RUNS),--runs $(RUNS) --growth-runs $(RUNS))

$(BENCH_STAMP): $(BENCH)/package-lock.json
	npm ci --prefix $(BENCH) --ignore-scripts --no-audit --no-fund
	@touch $@

bench-handover: install ## Measure a workspace of a million: pages, and handing work over; N=20000 RUNS=1 for a quick look
	$(BIN)/python -m bench.handover $(if $(N),--size $(N)) $(if $(RUNS),--runs $(RUNS))

bench-console: install console ## Measure the console in Chromium, with 10,000 users
	$(BIN)/python -m bench.console $(if $(RUNS),--runs $(RUNS))

screenshots: install console ## Photograph the console's screens into docs/screenshots
	mkdir -p docs/screenshots
	SCREENSHOTS=docs/screenshots $(BIN)/pytest -q tests/e2e/console/test_screens.py

lint: install $(if $(NODE),$(CONSOLE_STAMP) $(SCHEMA_LINT_STAMP)) ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(if $(NODE),npm run --silent lint --prefix $(CONSOLE),@echo "Node.js 20 is not installed: the console was not checked.")
	$(if $(NODE),npm run --silent lint --prefix $(SCHEMA_LINT))

$(SCHEMA_LINT_STAMP): $(SCHEMA_LINT)/package-lock.json
	npm ci --prefix $(SCHEMA_LINT) --ignore-scripts --no-audit --no-fund
	@touch $@

schema: install ## Print the schema into schema/schema.graphql
	$(BIN)/offboard schema > schema/schema.graphql.new
	@mv schema/schema.graphql.new schema/schema.graphql

lock: install ## Resolve requirements.txt anew, with hashes
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--no-header --all-extras --upgrade pyproject.toml -o requirements.txt
