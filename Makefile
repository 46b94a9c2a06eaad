# Everything happens in virtual environments below the checkout; `make clean` removes them.
# Other interpreter: make test PYTHON=python3.12. Other worker counts: make test JOBS=4.

PYTHON ?= python3
JOBS ?= 2
EXAMPLE ?= examples/primes.zx
FUZZ_ARGS ?=

PIP := -m pip --disable-pip-version-check --quiet

.PHONY: help run test check lint smoke fuzz clean

help:
	@echo "make run    run $(EXAMPLE) on all cores, in a fresh environment"
	@echo "make test   lint, types and all tests in a fresh environment, then the quick tests on other Pythons"
	@echo "make lint   ruff and mypy only"
	@echo "make fuzz   compare generated programs with the host until it is stopped (FUZZ_ARGS=...)"
	@echo "make clean  remove environments, caches and builds"

run:
	$(PYTHON) -m venv --clear .venv-run
	.venv-run/bin/python $(PIP) install .
	.venv-run/bin/zexus run --backend parallel $(EXAMPLE)

test:
	$(PYTHON) -m venv --clear .venv-test
	.venv-test/bin/python $(PIP) install --editable '.[dev]'
	@touch .venv-test/ready
	$(MAKE) check smoke

check: lint
	.venv-test/bin/python -m pytest --numprocesses $(JOBS) --dist loadgroup

lint: .venv-test/ready
	.venv-test/bin/ruff check .
	.venv-test/bin/mypy

# The tests that need no more than a few minutes, on every other Python of a supported version that is found.
smoke:
	scripts/smoke $(JOBS)

fuzz: .venv-test/ready
	.venv-test/bin/python -m tests.differential.fuzz $(FUZZ_ARGS)

.venv-test/ready: pyproject.toml
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/python $(PIP) install --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv-run .venv-test .venv-smoke-* build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
