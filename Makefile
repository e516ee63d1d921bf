# One command each: `make test` sets up and tests, `make browser` tests the report pages in a browser, `make bench`
# measures (`make bench-scale`: the card's whole scale), `make lint` checks, `make test-lowest` tests with the lowest
# versions allowed,
# `make promises` goes through docs/promises.md at full length, `make longrun` takes half an hour, `make saturate` a quarter.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: system venv test browser test-lowest lint bench-venv bench bench-scale promises promises-sanitized \
  promises-threads promises-inputs promises-tests coverage verdicts compare saturate longrun clean

# What the build and the tests need of the system. Installed only where that is missing and may be done.
system:
	@$(PYTHON) needs.py --tests 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq build-essential python3-dev python3-venv openssl; fi; \
	  $(PYTHON) needs.py --tests; }

# Made again whenever the build's inputs changed.
SOURCES := pyproject.toml setup.py needs.py $(shell find fastbench -name '*.pyx' -o -name '*.pxd')

$(VENV)/.built: $(SOURCES) | system
	# One that was left half-made, without pip, is made anew; a directory that is no environment is never emptied.
	$(BIN)/python -m pip --version >/dev/null 2>&1 || \
	  $(PYTHON) -m venv $$(test ! -e $(VENV)/pyvenv.cfg || echo --clear) $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet 'setuptools>=77' 'cython>=3.1' 'numpy>=2.0'
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable .
	$(BIN)/python -m pip install --quiet --group test --group lint
	touch $@

venv: $(VENV)/.built

# Two runs: what may share the machine, a file at a time on each of WORKERS processes (two a core, as tests wait; 0: in
# this one), then what looks at times (the marker `alone`), one test after the other, of the files that have such. Both
# run, whatever the first one says. Compiled Python is kept, whatever the environment says: pytest would spend as long on
# rewriting the tests' assertions as on a tenth of the tests, and each fresh interpreter on compiling fastbench.
# COVERAGE=1 also prints the share of the package's Python lines that the first run reaches in its own processes;
# `make coverage` prints that of the unit tests alone, and beside it that of the Cython lines. What opens pages in a
# browser (the marker `browser`) is in `make browser`.
WORKERS ?= $(shell expr 2 '*' $$(nproc))
test: export PYTHONDONTWRITEBYTECODE :=
test: venv
	status=0; \
	$(BIN)/python -m pytest -q -m 'not slow and not alone and not browser' --processes $(WORKERS) \
	  $(if $(COVERAGE),--cov --cov-report=) || status=$$?; \
	$(if $(COVERAGE),echo "Python lines covered: $$($(BIN)/python -m coverage report --format=total) %";) \
	$(BIN)/python -m pytest -q -m 'alone and not slow' $$(grep -rl --include='test_*.py' 'mark\.alone' tests) || \
	  status=$$?; \
	exit $$status

# The report pages in the system's Chromium; without one these tests are skipped. COVERAGE=1 prints the share of Python
# lines that they and the run of `make test` before reach together.
browser: export PYTHONDONTWRITEBYTECODE :=
browser: venv
	$(BIN)/python -m pytest -q -m 'browser and not slow' $(if $(COVERAGE),--cov --cov-append --cov-report=) \
	  $$(grep -rl --include='test_*.py' 'benchmarks.browser' tests)
	$(if $(COVERAGE),@echo "Python lines covered: $$($(BIN)/python -m coverage report --format=total) %")

# The unit tests with the lowest versions that pyproject.toml allows of what fastbench needs.
LOWEST := $(VENV)-lowest
test-lowest: venv
	$(BIN)/python -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(LOWEST)/bin/python -m pip install --quiet $$($(BIN)/python tests/lowest.py) --group test
	$(LOWEST)/bin/python -m pip check
	PYTHONPATH="$(CURDIR)" $(LOWEST)/bin/python -m pytest -q tests/unit

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/cython-lint $$(git ls-files "*.pyx" "*.pxd")  # it calls pycodestyle by name
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows examples/ci/github.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci examples/ci/gitlab.yml

bench-venv: venv
	$(BIN)/python -m pip install --quiet --group bench

bench: bench-venv
	$(BIN)/python -m benchmarks

# A run of 250,000 x 4,096 in / 4,096 out: some minutes and 2.3 GB of disk.
bench-scale: bench-venv
	$(BIN)/python -m benchmarks.scale --keep outputs/bench/scale --json outputs/bench/scale.json

# What the tests sample, at full length: an hour on two cores; each of its four parts can be run alone. Root alone may
# open the packet socket of the outsider check.
INPUTS ?= 1000000
KILLS ?= 200
promises: promises-sanitized promises-threads promises-inputs promises-tests

promises-inputs: venv
	$(BIN)/python -m tests.conformance.differential --inputs $(INPUTS)
	$(BIN)/python -m tests.conformance.fuzz_core --inputs $(INPUTS)

promises-tests: venv
	FASTBENCH_KILLS=$(KILLS) FASTBENCH_RECORDINGS=2000 FASTBENCH_STRIDE=1 FASTBENCH_STREAMS=500 $(BIN)/python -m pytest -q \
	  tests/conformance tests/crash tests/fault tests/outsider \
	  tests/e2e/test_load_is_the_plan.py tests/e2e/test_coordinated_omission.py tests/e2e/test_interrupt.py \
	  tests/e2e/test_reuse.py tests/e2e/test_hardening.py tests/e2e/test_tls_options.py \
	  tests/e2e/test_against_the_log.py tests/e2e/test_disturbed.py
	$(BIN)/python tests/outsider/measure.py
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m pytest -q -m 'slow or hypothesis' --hypothesis-profile=promises

# The same inputs into a build with AddressSanitizer and UndefinedBehaviorSanitizer: a report ends it.
SANITIZED := build/sanitized
promises-sanitized: venv
	rm -rf $(SANITIZED) && mkdir -p $(SANITIZED)
	cp -r fastbench tests setup.py needs.py pyproject.toml README.md LICENSE $(SANITIZED)
	find $(SANITIZED) -name '*.so' -delete
	cd $(SANITIZED) && FASTBENCH_SANITIZE=1 $(abspath $(BIN))/python setup.py -q build_ext --inplace
	cd $(SANITIZED) && export LD_PRELOAD="$$(cc -print-file-name=libasan.so)" ASAN_OPTIONS=detect_leaks=0 \
	  UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 && \
	  $(abspath $(BIN))/python -m tests.conformance.differential --inputs $(INPUTS) && \
	  $(abspath $(BIN))/python -m tests.conformance.fuzz_core --inputs $(INPUTS)

# The reactor's tests on a build with ThreadSanitizer: what two threads share without saying so ends it with exit code 66.
# One test preloads a library of its own, for which there is no room beside the sanitizer's; those of forks look at the
# reactor's descriptors from another thread, which is a race of theirs.
THREADS := build/threads
promises-threads: venv
	rm -rf $(THREADS) && mkdir -p $(THREADS)
	cp -r fastbench tests setup.py needs.py pyproject.toml README.md LICENSE $(THREADS)
	find $(THREADS) -name '*.so' -delete -o -path '*/fastbench/*.c' -delete
	cd $(THREADS) && FASTBENCH_TSAN=1 $(abspath $(BIN))/python setup.py -q build_ext --inplace
	cd $(THREADS) && LD_PRELOAD="$$(cc -print-file-name=libtsan.so)" TSAN_OPTIONS=exitcode=66 \
	  $(abspath $(BIN))/python -m pytest -q -s tests/unit/test_core_reactor*.py tests/unit/test_client_engine*.py \
	  tests/unit/test_client_health.py tests/unit/test_run_worker_phase.py \
	  --deselect tests/unit/test_core_reactor_tls_message.py::test_a_request_without_room_ends_its_connection \
	  --deselect tests/unit/test_core_reactor_forks.py

# What lines the unit tests reach: of Python by coverage, of Cython by gcov in a build of its own, in a tree of its own.
COVERED := build/coverage
coverage: venv
	rm -rf $(COVERED) && mkdir -p $(COVERED)
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t $(COVERED)
	test ! -d ../shared || ln -sfn "$(abspath ../shared)" $(dir $(COVERED))shared  # the public data, beside that tree too
	cd $(COVERED) && FASTBENCH_COVERAGE=1 $(abspath $(BIN))/python setup.py -q build_ext --inplace
	cd $(COVERED) && FASTBENCH_COVERAGE=1 $(abspath $(BIN))/python -m pytest -q tests/unit --processes $(WORKERS) \
	  --cov --cov-report=
	cd $(COVERED) && $(abspath $(BIN))/python tests/cython_lines.py
	cd $(COVERED) && echo "Python lines covered: $$($(abspath $(BIN))/python -m coverage report --format=total) %"

# Both verdicts on 80 real runs; some twelve minutes on a machine that does nothing else.
verdicts: venv
	$(BIN)/python tests/long/verdicts.py

# 25 comparisons of two services, three at once, two minutes each at most.
compare: venv
	$(BIN)/python tests/long/compare.py

# 15 searches, five at once, each some five minutes.
saturate: venv
	$(BIN)/python tests/long/saturate.py

longrun: venv
	$(BIN)/python tests/long/longrun.py

clean:
	rm -rf $(VENV) $(LOWEST) build dist *.egg-info
	find fastbench -name '*.so' -o -name '*.c' | xargs rm -f
