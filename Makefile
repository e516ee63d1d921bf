# One command each: `make test` sets up and tests, `make bench` measures, `make lint` checks.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: venv test lint bench clean

# Made again whenever the build's inputs changed.
SOURCES := pyproject.toml setup.py $(shell find fastbench -name '*.pyx' -o -name '*.pxd')

$(VENV)/.built: $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet 'setuptools>=77' 'cython>=3.1' 'numpy>=2.0'
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable .
	$(BIN)/python -m pip install --quiet --group test --group lint
	touch $@

venv: $(VENV)/.built

test: venv
	$(BIN)/python -m pytest -q

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/cython-lint $$(git ls-files "*.pyx" "*.pxd")

bench: venv
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info
	find fastbench -name '*.so' -o -name '*.c' | xargs rm -f
