# Every target creates the environment first if it does not exist. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_STORE := runs/demo

# The sparsest network of the demo at each accuracy.
BEST := ORDER BY weight_nnz, accuracy DESC
DEMO_SQL := SELECT target AS accuracy, count(*) AS networks, min(weight_nnz) AS weights, \
	first(structure $(BEST)) AS structure, first(mask1 $(BEST)) AS mask1, \
	first(mask2 $(BEST)) AS mask2, first(mask3 $(BEST)) AS mask3 \
	FROM results, (VALUES (0.8), (0.9), (0.95), (0.99), (0.995)) AS targets(target) \
	WHERE accuracy >= target GROUP BY target ORDER BY target

.DEFAULT_GOAL := help
# The parts of `check` run in order, so that pytest's summary is the last line.
.NOTPARALLEL:
.PHONY: help setup demo test test-gpu campaign check lint types layers docs kernels format bench clean

help: ## list the targets
	@echo "Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## create the environment, .venv

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo >&2 "sparsest needs Python 3.11 or newer; '$(PYTHON)' is older or missing."; \
		echo >&2 "Choose another one: make setup PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
		echo >&2 "'$(PYTHON)' lacks venv or ensurepip, which create an environment."; \
		echo >&2 "Install them (on Debian and Ubuntu: apt install python3-venv)."; exit 1; }
	@echo "Creating $(VENV): about a minute, mostly torch"
	@$(PYTHON) -m venv $(VENV)
# The build backend is installed too, so that a pinned version builds the project.
	@$(BIN)/python -m pip install --quiet --quiet --upgrade --constraint constraints.txt pip setuptools
	@$(BIN)/python -m pip install --quiet --quiet --constraint constraints.txt \
		--no-build-isolation --config-settings editable_mode=compat --editable '.[dev]'
	@touch $@

demo: setup ## train a sample of the paper's search (2 to 3 minutes) and print its sparsest networks
	@$(BIN)/sparsest run demo --store $(DEMO_STORE)
	@echo
	@echo "The sparsest network at each accuracy (NULL: a dense layer):"
	@$(BIN)/sparsest query "$(DEMO_SQL)" --store $(DEMO_STORE)
	@echo
	@echo "These rows of the paper's grid are in $(DEMO_STORE). Query them, or plan the whole paper:"
	@echo "  $(BIN)/sparsest sql --store $(DEMO_STORE)"
	@echo "  $(BIN)/sparsest plan paper --store $(DEMO_STORE)"

test: setup ## run all tests except those marked gpu or campaign
# Files in the order of tests/conftest.py, longest first; xdist's order would start some of them last.
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-gpu: setup ## run the tests that need a GPU
	@$(BIN)/python -m pytest -m gpu

campaign: setup ## run the long fault campaigns
	@$(BIN)/python -m pytest -m campaign

check: setup ## lint, types, layers, manual, tests: what CI runs
# On two cores: types take as long as the rest. Without compiled kernels each process of the tests
# would compile them.
	@$(MAKE) --no-print-directory types & types=$$!; \
	$(MAKE) --no-print-directory lint layers docs kernels; others=$$?; \
	wait $$types && exit $$others
	@$(MAKE) --no-print-directory test

lint: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: setup
	@$(BIN)/mypy

layers: setup
	@$(BIN)/lint-imports --no-logo

docs: setup ## build the manual into build/site; broken links are errors
	@$(BIN)/python -m docs.site.build
	@echo "The manual is build/site/index.html"

kernels: setup ## compile the training kernels
	@$(BIN)/python -c 'from search.experiment import Experiment; from workers.train import train_batch; \
		train_batch([Experiment(structure=(1, 1, 1), epochs=1)])'

format: setup ## format the code and apply ruff's fixes
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: setup ## run the benchmarks
	@$(BIN)/python -m benchmarks

clean: ## remove the environment and all caches, but not the stores under runs/
	@rm -rf $(VENV) build *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
