# Everything here needs nothing but Python: each target first makes the environment if it has to.
# `make` alone says what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_STORE := runs/demo

# For each accuracy, the sparsest network that the demo trained.
BEST := ORDER BY weight_nnz, accuracy DESC
DEMO_SQL := SELECT target AS accuracy, count(*) AS networks, min(weight_nnz) AS weights, \
	first(structure $(BEST)) AS structure, first(mask1 $(BEST)) AS mask1, \
	first(mask2 $(BEST)) AS mask2, first(mask3 $(BEST)) AS mask3 \
	FROM results, (VALUES (0.8), (0.9), (0.95), (0.99), (0.995)) AS targets(target) \
	WHERE accuracy >= target GROUP BY target ORDER BY target

.DEFAULT_GOAL := help
# check's parts one after the other: pytest's closing line is its last.
.NOTPARALLEL:
.PHONY: help setup demo test test-gpu campaign check lint types layers docs format bench clean

help: ## what there is
	@echo "Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the environment, .venv

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo >&2 "sparsest needs Python 3.11 or newer; '$(PYTHON)' is older, or is not there."; \
		echo >&2 "Name another one: make setup PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
		echo >&2 "'$(PYTHON)' comes without venv or ensurepip, which make an environment."; \
		echo >&2 "Install them (on Debian and Ubuntu: apt install python3-venv)."; exit 1; }
	@echo "Making $(VENV): about a minute, mostly torch"
	@$(PYTHON) -m venv $(VENV)
# The build backend goes into the environment too, so that it is a pinned one that builds the project.
	@$(BIN)/python -m pip install --quiet --quiet --upgrade --constraint constraints.txt pip setuptools
	@$(BIN)/python -m pip install --quiet --quiet --constraint constraints.txt \
		--no-build-isolation --config-settings editable_mode=compat --editable '.[dev]'
	@touch $@

demo: setup ## run a slice of the paper's search (2 to 3 minutes) and show its sparsest networks
	@$(BIN)/sparsest run demo --store $(DEMO_STORE)
	@echo
	@echo "The sparsest network at each accuracy (NULL: the layer is dense):"
	@$(BIN)/sparsest query "$(DEMO_SQL)" --store $(DEMO_STORE)
	@echo
	@echo "These are rows of the paper's own grid, in $(DEMO_STORE). Ask them more, or train more:"
	@echo "  $(BIN)/sparsest sql --store $(DEMO_STORE)"
	@echo "  $(BIN)/sparsest plan paper --store $(DEMO_STORE)"

test: setup ## run the tests, all but those marked gpu or campaign
# Files in the order of tests/conftest.py: xdist's own puts those with the fewest tests last.
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-gpu: setup ## run the tests that need an accelerator
	@$(BIN)/python -m pytest -m gpu

campaign: setup ## run the long fault campaigns
	@$(BIN)/python -m pytest -m campaign

check: lint types layers docs test ## lint, types, layers, manual, tests: what CI runs

lint: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: setup
	@$(BIN)/mypy

layers: setup
	@$(BIN)/lint-imports --no-logo

docs: setup ## build the manual, build/site; a link that leads nowhere is an error
	@$(BIN)/python -m docs.site.build

format: setup ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: setup ## run the benchmarks
	@$(BIN)/python -m benchmarks

clean: ## remove the environment and the caches; stores under runs/ stay
	@rm -rf $(VENV) build *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
