# One command each: `make test` sets up and tests, `make browser` tests the report pages in a browser, `make bench`
# measures (`make bench-scale`: the card's whole scale), `make lint` checks, `make docs` builds the site of README and docs,
# `make test-lowest` tests with the lowest versions allowed,
# `make promises` goes through docs/promises.md at full length, `make longrun` takes half an hour, `make saturate` a quarter.
VENV ?= .venv
WORKERS ?= $(shell expr 7 "*" $$(nproc) / 2)
export VENV WORKERS
BIN := $(VENV)/bin

.PHONY: venv test browser test-lowest lint docs bench-venv bench bench-micro bench-scale promises promises-sanitized promises-threads \
  promises-inputs promises-tests coverage verdicts compare saturate longrun wheels fresh clean

# The environment, and the tests that are neither slow nor in need of a browser: ./test has both, with its settings PYTHON,
# WORKERS and COVERAGE, and works without make.
venv:
	./test --set-up

test:
	./test

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

# The sources and one wheel for all Pythons into dist/, checked and tried with each Python that is here; some minutes.
# WHEELS=--keep checks what is there; WHEELS=--tests runs the test suite with the wheel installed, too.
wheels: venv
	scripts/wheels.sh $(WHEELS)

# ./quickstart and ./test in minimal Debian roots, as root; needs debootstrap, and wheels in dist/. Some twenty minutes.
SUITES ?= bookworm trixie
TRIALS ?= user wheel source test image
fresh:
	set -e; for suite in $(SUITES); do scripts/fresh-root.sh $$suite $(TRIALS); done

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/cython-lint $$(git ls-files "*.pyx" "*.pxd")  # it calls pycodestyle by name
	$(BIN)/shellcheck -x quickstart test scripts/*.sh
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows examples/ci/github.yml .github/workflows/release.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci examples/ci/gitlab.yml

# The pages as a site in build/docs that needs no server: open build/docs/index.html. A link or an anchor that leads
# nowhere, and a page that no menu has, end it. An environment of its own, as nothing is compiled for it.
DOCS := $(VENV)-docs
docs:
	test -x $(DOCS)/bin/python || $${PYTHON:-python3} -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(DOCS)/bin/python -m pip install --quiet --group docs
	$(DOCS)/bin/python -m sphinx -q -W --keep-going -b html -d build/docs-read docs build/docs

bench-venv: venv
	$(BIN)/python -m pip install --quiet --group bench

bench: bench-venv
	$(BIN)/python -m benchmarks

# The core's parts by themselves, beside what this machine had the last time; and their instructions, beside those that
# are expected (`python -m benchmarks.bench_instructions --update` keeps what is counted).
bench-micro: bench-venv
	$(BIN)/python -m pytest -q -p no:randomly benchmarks/micro.py --benchmark-autosave --benchmark-compare \
	  --benchmark-columns=min,median,iqr,rounds --benchmark-sort=name
	$(BIN)/python -m benchmarks.bench_instructions

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
	rm -rf $(VENV) $(LOWEST) $(DOCS) build dist *.egg-info
	find fastbench -name '*.so' -o -name '*.c' | xargs rm -f
