# Every command works on a fresh machine with Python >= 3.11, Go >= 1.26 and make.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PYTEST := $(RUN) -m pytest
export PYTHONDONTWRITEBYTECODE := 1

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | column -t -s '|'

$(VENV)/.ready: requirements-dev.lock pyproject.toml
	@echo "→ Python packages into $(VENV), as locked"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Holdfast needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 …")'
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

tools: $(VENV)/.ready ## build the real programs of the lab (once; about ten minutes)
	@$(RUN) -m lab build

demo: tools ## a bad release is undone, an empty budget held, on a real control plane (KEEP=1 stays)
	@$(RUN) -m lab.demo $(if $(KEEP),--keep)

lab: tools ## keep a lab up; Ctrl-C ends it
	@$(RUN) -m lab up

test: tools ## all tests
	@$(PYTEST) --cov --cov-report= tests
	@$(RUN) -m coverage report --include='*/holdfast/core/*' --fail-under=100

test-fast: $(VENV)/.ready ## all tests that need no lab
	@$(PYTEST) -q -m 'not lab' tests

mutation: $(VENV)/.ready ## change one thing in the core at a time: does a test notice? (ONLY="judge decide"; most of an hour)
	@env -u PYTHONDONTWRITEBYTECODE nice $(RUN) -m tests.mutation $(ONLY)

check: $(VENV)/.ready ## format, lint, types, import contracts, generated files
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports --cache-dir build/import-linter
	@$(RUN) -m holdfast.api.crds --check

format: $(VENV)/.ready ## format, and mend what the linter can
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

generate: $(VENV)/.ready ## write crds/ from the models
	@$(RUN) -m holdfast.api.crds

bench: tools ## benchmarks into build/bench (ONLY=group)
	@$(RUN) -m bench $(if $(ONLY),--only $(ONLY))

lock: $(VENV)/.ready ## resolve the dependencies anew
	@$(RUN) -m uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header -q -o requirements.lock $(LOCK)
	@$(RUN) -m uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header -q -o requirements-dev.lock $(LOCK)

clean: ## remove what was built here (the lab's programs stay in the cache)
	@rm -rf build $(VENV) .coverage .hypothesis .pytest_cache .mypy_cache .ruff_cache

.PHONY: help tools demo lab test test-fast mutation check format generate bench lock clean
