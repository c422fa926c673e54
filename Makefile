# Two commands matter to a newcomer: `make demo` and `make test`. `make` alone lists them all.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
NAME ?= all
SIZE ?= ci
SECONDS ?= 120
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11

.DEFAULT_GOAL := help
.PHONY: help demo serve test check unit bench conformance faults fuzz soak mutation verifier sbom audit lock clean

help: ## what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

.venv/bin/uv: requirements-setup.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Vrijgave needs Python 3.11 or newer; say which with: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.lock
	@touch $@

.venv/runtime: .venv/bin/uv requirements.lock pyproject.toml
	$(INSTALL) -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv/development: .venv/runtime requirements-dev.lock
	$(INSTALL) -r requirements-dev.lock
	@touch $@

# Programs on Node that tests and benchmarks run against; tests that want them skip without.
.venv/node: tests/support/node/package-lock.json | .venv/bin/uv
	npm ci --prefix tests/support/node --silent --no-audit --no-fund
	@touch $@

demo: .venv/runtime ## set up, run the whole job on made data, then serve the site (ARGS=--no-serve stops before)
	$(BIN)/vrijgave demo $(ARGS)

serve: .venv/runtime ## serve the site on the demonstration's data
	$(BIN)/vrijgave serve

test: check unit ## style, types, layers and all tests with coverage

check: .venv/development ## style, types and layers only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

unit: .venv/development ## all tests with coverage (ARGS="-k word" chooses)
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report= $(ARGS)
	$(BIN)/python -m tests.coverage_floors

bench: .venv/development ## measure against the peers (NAME=extracts, SIZE=full)
	$(BIN)/python -m tests.benchmarks --name $(NAME) --size $(SIZE)

mutation: .venv/development ## change the deciding code everywhere and see whether a test minds
	rm -rf mutants
	VRIJGAVE_TEST_POLICIES=20 $(BIN)/mutmut run --max-children 2
	$(BIN)/mutmut results

conformance: .venv/development ## run other people's suites
	$(BIN)/python -m tests.conformance

faults: .venv/development ## fail calls to the file system, kill the service, change files
	$(BIN)/python -m tests.faults --size ci

fuzz: .venv/development ## change good policies, mappings, ranges and tokens at random (SECONDS=120 for each)
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

soak: .venv/development ## the same for hours, as before a release
	$(BIN)/python -m tests.faults --size full
	VRIJGAVE_TEST_POLICIES=10000 $(BIN)/python -m pytest tests/policies/test_meanings_agree.py
	VRIJGAVE_TEST_TOKENS=250000 $(BIN)/python -m pytest --timeout 4000 tests/registry/accounts/test_jwts.py
	$(BIN)/python -m tests.fuzz --seconds 3600

verifier: .venv/runtime ## the auditors' offline verifier as one file, build/vrijgave-verify.pyz
	$(BIN)/python -m registry.audit.build_verifier build/vrijgave-verify.pyz

sbom: .venv/development ## what the service is made of, as CycloneDX: build/sbom.json
	mkdir -p build
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --spec-version 1.6 -o build/sbom.json requirements.lock

audit: .venv/bin/uv ## ask the advisory databases about the locked packages (needs the internet)
	$(BIN)/uv tool run pip-audit --disable-pip --require-hashes -r requirements.lock

lock: .venv/bin/uv ## write the lock files anew from pyproject.toml
	$(COMPILE) pyproject.toml --all-extras --group dev -o requirements-dev.lock
	$(COMPILE) pyproject.toml --extra server -c requirements-dev.lock -o requirements.lock
	printf 'setuptools\nuv\n' | $(COMPILE) - -o requirements-setup.lock

clean: ## remove what the other targets made
	rm -rf .venv var build bench-data .mypy_cache .ruff_cache .hypothesis .coverage* *.egg-info
