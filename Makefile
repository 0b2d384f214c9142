# `make help` lists the targets. Any Python from 3.11 on: `make PYTHON=python3.13 test`.
PYTHON ?= python3
VENV := $(if $(filter python3,$(PYTHON)),.venv,.venv-$(notdir $(PYTHON)))
BIN := $(VENV)/bin/python
LAUNCHER := $(BIN) -m orsta.launcher
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
# Commands that only read code: they need settings and no server.
OFFLINE := DJANGO_SETTINGS_MODULE=orsta.settings.test ORSTA_ENVIRONMENT=test $(BIN)
SCHEMA := $(OFFLINE) manage.py spectacular --validate --fail-on-warn
RESOLVE := uv pip compile --python-version 3.11.0 --python-platform linux --no-annotate --no-header
TEMPLATES = $(shell find templates -name '*.html')

.DEFAULT_GOAL := help
.PHONY: help install install-dev run web runner worker beat relay migrate seed test \
	lint format types imports templates migrations schema schema-check check bench lock

help: ## list the targets
	@sed -n 's/^\([a-z -]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 32

install: ## make the virtual environment with what the product runs on
	@$(PYTHON) -I orsta/launcher/bootstrap.py $(VENV) requirements.txt
ifeq ($(ENGINE),neonize)
	@$(PYTHON) -I orsta/launcher/bootstrap.py $(VENV) requirements-neonize.txt
endif

install-dev: ## the same with what the tests and checks need
	@$(PYTHON) -I orsta/launcher/bootstrap.py $(VENV) requirements-dev.txt

run: install ## start everything on http://127.0.0.1:8000 (PORT=..., ENGINE=neonize|wuzapi)
	@$(LAUNCHER) run

web runner worker beat relay: install ## one of the processes alone
	@$(LAUNCHER) program $@

migrate: install ## bring the database up to date
	@$(LAUNCHER) exec $(BIN) manage.py migrate

seed: install ## make the plans, the staff login and a demo tenant
	@$(LAUNCHER) seed

test: install-dev ## the whole test suite, or PYTEST_ARGS="accounts -k login"
	@$(LAUNCHER) test --numprocesses 4 --dist loadgroup $(PYTEST_ARGS)

check: lint types imports templates migrations schema-check ## everything but the tests

lint: install-dev ## format and lint rules, without changing a file
	$(BIN) -m ruff format --check .
	$(BIN) -m ruff check .

format: install-dev ## format and correct what can be
	$(BIN) -m ruff format .
	$(BIN) -m ruff check --fix .
	$(VENV)/bin/djade --target-version 5.2 $(TEMPLATES)

types: install-dev ## mypy
	$(BIN) -m mypy .

imports: install-dev ## the layers, as .importlinter draws them
	$(VENV)/bin/lint-imports

templates: install-dev ## the format of the templates
	$(VENV)/bin/djade --check --target-version 5.2 $(TEMPLATES)

migrations: install-dev ## no model without its migration
	$(OFFLINE) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

schema: install-dev ## write docs/openapi.yaml
	$(SCHEMA) --file docs/openapi.yaml

schema-check: install-dev ## docs/openapi.yaml says what the code does
	$(SCHEMA) | diff -u docs/openapi.yaml - || \
		{ echo "docs/openapi.yaml is out of date: run \`make schema\` and read the difference." >&2; exit 1; }

bench: install-dev ## measure, as docs/benchmarks.md and docs/sizing.md tell
	$(BIN) -m orsta.bench $(BENCH_ARGS)

lock: ## resolve requirements*.in again, for the oldest Python that we support (needs uv)
	$(RESOLVE) requirements.in -o requirements.txt
	$(RESOLVE) requirements-neonize.in -o requirements-neonize.txt
	sed '/^[^#]/d' requirements-neonize.in | cat - requirements-neonize.txt > requirements-neonize.new
	mv requirements-neonize.new requirements-neonize.txt
	$(RESOLVE) requirements-dev.in -o requirements-dev.txt
