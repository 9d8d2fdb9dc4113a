# Everything a contributor or a curious reader needs. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint test-postgres test-browser test-faults test-matrix bench \
        messages clean
SHELL := /bin/bash

PYTHON ?= python3
PORT ?= 8000
PG_URL ?= postgres://postgres@127.0.0.1:5432/wagtail_engagement
# Fault tests: workers killed, and people invited meanwhile.
KILLS ?= 30
PEOPLE ?= 2000
# Benchmarks: small checks results only, full is what the figures in the docs come from.
SIZE ?= full
LOCALE ?= cy
# More for pytest, for example: make test ARGS="-k token"
ARGS ?=

BIN := .venv/bin
PYTEST := $(BIN)/pytest $(ARGS)
UNCHANGED := example_site/manage.py makemigrations --check --dry-run

help:  ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' \
		| while IFS=$$'\t' read -r name what; do printf '  make %-14s %s\n' "$$name" "$$what"; done

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .venv

# One stamp for each extra, so that a second run installs nothing.
.venv/.has-%: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

setup: .venv/.has-demo  ## Make .venv and install the package with its example site

demo: setup  ## Run the example site with demo data and its worker (PORT=8000)
	@.ci/demo $(PORT)

test: setup .venv/.has-testing  ## Run the tests on SQLite, browser tests included
	@CHROMIUM="$$(.ci/browser)" $(PYTEST) -n auto -m "not faults"

test-browser: setup .venv/.has-testing  ## Run only the browser tests
	@CHROMIUM="$$(.ci/browser)" $(PYTEST) -n auto -m browser

test-postgres: setup .venv/.has-testing  ## Run the tests on PostgreSQL (PG_URL=...), without the browser
	@.ci/postgres "$(PG_URL)"
	DATABASE_URL="$(PG_URL)" $(PYTEST) -n auto -m "not browser and not faults"

test-faults: setup .venv/.has-testing  ## Kill workers while they send, on SQLite and PostgreSQL (KILLS=, PEOPLE=)
	@.ci/postgres "$(PG_URL)"
	FAULT_KILLS=$(KILLS) FAULT_PEOPLE=$(PEOPLE) $(PYTEST) -m faults
	DATABASE_URL="$(PG_URL)" FAULT_KILLS=$(KILLS) FAULT_PEOPLE=$(PEOPLE) $(PYTEST) -m faults

test-matrix: setup .venv/.has-testing  ## Run the tests on every supported Wagtail, Django and Python
	@.ci/matrix test $(ARGS)

lint: setup .venv/.has-lint  ## Check style, types, imports, templates and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/djlint --lint --quiet wagtail_engagement/templates example_site
	$(BIN)/python $(UNCHANGED) wagtail_engagement wagtail_engagement_pages home
	.ci/matrix run w74-dj52-py311 $(UNCHANGED) wagtail_engagement wagtail_engagement_pages home

bench: setup .venv/.has-bench  ## Compare with a plain Wagtail form page (SIZE=small or full)
	$(BIN)/python -m benchmarks --size $(SIZE)

messages: setup  ## Gather texts for translation (LOCALE=cy); needs GNU gettext
	mkdir -p wagtail_engagement/locale
	cd wagtail_engagement && ../$(BIN)/python -m django makemessages --locale $(LOCALE) --add-location file

clean:  ## Remove everything that make has made
	rm -rf .venv .matrix build dist *.egg-info test-results .mypy_cache .pytest_cache .ruff_cache
	rm -f example_site/*.sqlite3*
	find wagtail_engagement example_site tests benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
