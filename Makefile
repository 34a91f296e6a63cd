# Every target does its own set-up; `make help` lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
WORKERS ?= 5
UV_VERSION := 0.13.9
export UV_PROJECT_ENVIRONMENT := $(VENV)
export UV_NO_PROGRESS := 1
# Where it is set, as in many images, Python compiles everything anew at each start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install serve test check lint types imports migrations fuzz bench full coverage docs rules spec-diff

help: ## List the targets
	@echo "Flotilla: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Put Flotilla and its tools into .venv

$(VENV)/.installed: pyproject.toml uv.lock
	@test -x $(BIN)/python || { echo "Making $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@echo "Installing the locked packages ..."
	@$(BIN)/uv sync --quiet --frozen --inexact --compile-bytecode
	@touch $@

serve: install ## Run the server in the foreground (settings come from the environment)
	@exec $(BIN)/flotilla serve

test: install ## Run every test that this machine can run
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

check: lint types imports migrations test ## Everything a change must pass

lint: install ## Style of code (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install ## Static types (mypy)
	$(BIN)/mypy

imports: install ## Directions of import (import-linter)
	$(BIN)/lint-imports

migrations: install ## Migrations and models agree, on both databases
	$(BIN)/python -m pytest -q tests/unit/core/test_migrate.py

fuzz: install ## schemathesis against the running server, 30 examples an operation
	FLOTILLA_FUZZ_EXAMPLES=30 $(BIN)/python -m pytest -q tests/fuzz

bench: install ## Speed against comparable servers, as ratios; writes docs/explanations/performance.md
	@$(BIN)/uv sync --quiet --frozen --inexact --group bench
	$(BIN)/python -m tests.bench --write
	$(BIN)/python -m tests.bench.nebula --write
	@command -v rclone >/dev/null || echo "No rclone here: nothing to compare files with"
	@! command -v rclone >/dev/null || $(BIN)/python -m tests.bench.ngenea

full: install ## The long versions of all tests
	FLOTILLA_FULL=1 FLOTILLA_FUZZ_EXAMPLES=100 $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

coverage: install ## Branch coverage of all tests: 90 % in all, 75 % of each file
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n $(WORKERS) --dist loadgroup
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m tests.support.covered

rules: install ## Numbered rules of the references without a test
	$(BIN)/python -m tests.support.rules

spec-diff: install ## What breaks clients of the last release and is not in CHANGELOG.md
	$(BIN)/python -m tests.support.breaking

docs: install ## Write docs/reference from the specs, the settings and the command line
	$(BIN)/python -m tests.support.reference_docs
