# `make` lists the targets. Needed: Python 3.10 or newer with its venv module, and make; the rest comes from PyPI into .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
STAMPS := $(VENV)/stamps

# Set PYTHON to choose; otherwise the newest that runs. A name on the PATH is no proof: pyenv's shims may only fail.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3.10 python3 python)

DEMO_SECONDS ?= 20
PYTEST_ARGS ?=
# Test processes; 0 for none beside pytest's own, for a debugger.
WORKERS ?= auto
#: What `make quick` leaves out: whole programs, processes, networks, pages, and what has a whole layer for itself.
SLOW := aio benchmarks compared_with_go consumers contract controllers docs examples faults fuzz growth processes properties real realserver snapshots soak source testing

.PHONY: help demo test quick lint style types imports completeness workflows format docs pages bench compare soak fuzz contract build setup clean recording

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'
	@echo "Variables: PYTHON=python3.12 (for .venv), DEMO_SECONDS=20, WORKERS=0 (one process), PYTEST_ARGS='-k reflector'"

demo: $(STAMPS)/run  ## run the network monitor against an API server of its own
	$(BIN)/python examples/network_monitor.py --demo --duration $(DEMO_SECONDS)

test: $(STAMPS)/test  ## run the tests
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

quick: $(STAMPS)/test  ## run the tests of caches, factories, queues and kinds: half a minute
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not soak and not real_apiserver" $(SLOW:%=--ignore=tests/%) $(PYTEST_ARGS)

lint: style types imports workflows  ## check style, types, the import contract and the workflows

style: $(STAMPS)/dev  ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMPS)/dev  ## mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright

imports: $(STAMPS)/dev  ## the import contract
	$(BIN)/lint-imports --no-logo

completeness: $(STAMPS)/dev  ## every public name has a type
	@# From outside the checkout and with .venv's python first, or pyright does not find the installed package.
	cd $(VENV) && PATH="$(CURDIR)/$(BIN):$$PATH" pyright --verifytypes informers --ignoreexternal

workflows: $(STAMPS)/dev  ## check what GitHub and Read the Docs run
	$(BIN)/zizmor --offline --no-progress --quiet .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.readthedocs .readthedocs.yaml

format: $(STAMPS)/dev  ## let ruff fix what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(STAMPS)/dev  ## build the documentation; warnings are errors
	@# All pages each time (-E): Sphinx leaves the glossary of an unchanged page out of the search.
	$(BIN)/sphinx-build -E -n -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python tests/searches.py docs/_build/html
	@echo "docs/_build/html/index.html"

pages: $(STAMPS)/test  ## write the pages of docs/reference that are made from data
	$(BIN)/python tests/pages.py

recording: $(STAMPS)/test  ## record the demo as the picture docs/_static/network-monitor.svg
	$(BIN)/python tests/recording.py

bench: $(STAMPS)/test  ## measure what is to be reached, against client-go: 15 minutes
	$(BIN)/python tests/benchmarks/goals.py

compare: $(STAMPS)/test  ## measure other clients, sizes, Pythons and each step: an hour or two
	$(BIN)/python tests/benchmarks/run.py
	$(BIN)/python tests/benchmarks/more.py
	PYTHONPATH=. $(BIN)/python tests/benchmarks/wire.py

soak: $(STAMPS)/test  ## an hour of random faults
	$(BIN)/python -m pytest -m soak -o timeout=0 -o faulthandler_timeout=0 tests $(PYTEST_ARGS)

fuzz: $(STAMPS)/test  ## attack what reads the wire and saved caches, for an hour or so
	HISTORIES=150 $(BIN)/python -m pytest -n $(WORKERS) -o timeout=0 -o faulthandler_timeout=0 tests/fuzz $(PYTEST_ARGS)

contract: $(STAMPS)/test  ## run what needs a real kube-apiserver or client-go; builds both with Go the first time
	bash tests/realserver/build.sh
	@# Exit code 3: no Go. Then the servers came from elsewhere, and the comparison says that it is not run.
	bash tests/compared_with_go/build.sh || test $$? -eq 3
	@# With ten thousand pods on the real server, which a common run leaves out.
	$(BIN)/python -m pytest -m 'not soak or real_apiserver' tests/contract tests/realserver $(wildcard tests/real) tests/compared_with_go $(PYTEST_ARGS)

build: $(STAMPS)/dev  ## make the wheel and the sdist
	rm -rf dist
	$(BIN)/python -m build --quiet
	@ls dist/*

setup: $(STAMPS)/dev  ## make .venv with everything for development

clean:  ## remove what was built and cached, but not .venv
	rm -rf build dist docs/_build bench-results .coverage .coverage.* .cache
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find informers tests examples docs -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment, three steps, each on top of the one before: two pips never run in it at once, even under `make -j`.

$(STAMPS)/python: pyproject.toml
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && \
	  $(BIN)/python -m pip --version >/dev/null 2>&1; then :; else \
	  for python in $(CANDIDATES); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then \
	      old=$${old:-$$python}; \
	      if "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then found=$$python; break; fi; \
	    fi; \
	  done; \
	  if [ -z "$$found" ] && [ -n "$$old" ]; then \
	    echo "error: $$old has no venv module; on Debian and Ubuntu: apt install python3-venv (others: a Python with ensurepip)" >&2; exit 1; \
	  elif [ -z "$$found" ]; then \
	    echo "error: no Python >= 3.10 runs here (tried: $(CANDIDATES)); install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$found" -c 'import platform, sys; print(sys.executable, platform.python_version())')" && \
	  "$$found" -m venv --clear $(VENV); \
	fi
	@mkdir -p $(STAMPS)
	@$(PIP) install --upgrade 'pip>=25.1'
	@touch $@

# The version stands there, and an installed package keeps the one that it was installed with.
$(STAMPS)/run: $(STAMPS)/python informers/__init__.py
	@echo "Installing informers and what it runs on"
	@$(PIP) install --editable .
	@touch $@

$(STAMPS)/test: $(STAMPS)/run
	@echo "Installing what the tests need"
	@$(PIP) install --group test
	@touch $@

$(STAMPS)/dev: $(STAMPS)/test
	@echo "Installing linters, type checkers and the documentation's tools"
	@$(PIP) install --group dev
	@touch $@
