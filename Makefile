PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.installed
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check install -q -c constraints.txt
PYTEST := $(VENV)/bin/python -m pytest
.DEFAULT_GOAL := help
.PHONY: help solve gallery test test-slow lint docs bench clean

help:
	@echo 'make solve      train a PINN on Burgers for two minutes: its error, a picture and a run folder'
	@echo 'make gallery    every problem of the zoo, trained for 10 s, on one picture: runs/gallery.png'
	@echo '                make gallery BUDGET=60s trains each for a minute'
	@echo 'make test       the fast tests'
	@echo 'make test-slow  the tests that take minutes'
	@echo 'make lint       ruff, mypy and the import contract'
	@echo 'make docs       the documentation, into site/index.html'
	@echo 'make bench      speed against DeepXDE, memory, start-up: a few minutes'
	@echo '                make bench SUITE=solve OPTIONS="--budget 60s" compares the methods, see --help'
	@echo 'make clean      remove build products and caches; runs and .venv stay'
	@echo 'The first of them makes an environment in $(VENV), which takes a few minutes once.'

# torch first and pinned: resolved together with the rest, another build of several GB could be chosen.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "sapts-pinn needs Python 3.11 or newer, and '$(PYTHON)' is not: name another one with make PYTHON=..." >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments yet: run 'apt-get install python3-venv' and make again." >&2; \
	  exit 1; }
	@echo 'Installing into $(VENV); the first time takes a few minutes.'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) torch
	@$(PIP) -e '.[dev,docs]'
	@touch $@

solve: $(READY)
	$(VENV)/bin/sapts-pinn solve burgers --budget 2min --out runs/burgers --overwrite

BUDGET ?= 10s
gallery: $(READY)
	$(VENV)/bin/sapts-pinn gallery --budget '$(BUDGET)' --out runs/gallery.png

# Two processes, of which one takes over tests of the other when it has done its own.
test: $(READY)
	$(PYTEST) -n 2 --dist worksteal -m 'not slow'

test-slow: $(READY)
	$(PYTEST) -m 'slow and not measured'

# All four speak, so that one run shows everything there is to mend.
lint: $(READY)
	@failed=; for check in 'ruff check' 'ruff format --check' mypy 'lint-imports'; do \
	  echo "$$check"; $(VENV)/bin/$$check || failed="$$failed, $$check"; \
	done; \
	[ -z "$$failed" ] || { echo "lint failed:$${failed#,}" >&2; exit 1; }

# A warning is an error. The pages of problems come from the problems themselves; nothing is trained.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 OMP_NUM_THREADS=1 $(VENV)/bin/mkdocs build --quiet --strict

SUITE ?= gradients points memory first-step
bench: $(READY)
	@for suite in $(SUITE); do $(VENV)/bin/python -m sapts_pinn.bench $$suite $(OPTIONS) || exit; echo; done

clean:
	rm -rf build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
