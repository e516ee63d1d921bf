# shellcheck shell=sh
# What ./quickstart and ./test share: find Python, install what the system lacks, make an environment. POSIX sh, read by
# them and not run. They set `here`, the directory of the sources.
#
#   VENV     the environment (default: .venv beside the sources)
#   PYTHON   the Python it is made of (default: the first of python3, python3.14 … python3.11 that is new enough)

VENV=${VENV:-$here/.venv}
in_venv="$VENV/bin/python"
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# The command that installs Python, and with it what the parts (build, openssl: see needs.py) need.
python_command() {
  if command -v apt-get >/dev/null; then
    manager=apt-get
    set -- "apt-get install -y --no-install-recommends python3 python3-venv" "$@"
  elif command -v dnf >/dev/null; then
    manager=dnf
    set -- "dnf install -y python3" "$@"
  elif command -v apk >/dev/null; then
    manager=apk
    set -- "apk add python3" "$@"
  else
    return
  fi
  command=$1
  shift
  for part in "$@"; do
    case $manager-$part in
      apt-get-build) command="$command gcc libc6-dev python3-dev" ;;
      dnf-build) command="$command gcc python3-devel" ;;
      apk-build) command="$command build-base python3-dev" ;;
      *-openssl) command="$command openssl" ;;
    esac
  done
  echo "$command"
}

# Sets `python`; installs Python where there is none and this may be done, with what the parts need.
find_python() {
  wanted=$*
  for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if is_new_enough "$python"; then return; fi
  done
  if [ -n "${PYTHON:-}" ]; then fail "PYTHON is $PYTHON, which is no Python of 3.11 or later; name one, or leave it out"; fi
  if command -v python3 >/dev/null; then
    fail "fastbench needs Python 3.11 or later, and this is $(python3 --version 2>&1); install a later one, or name it: PYTHON=/path/to/python3"
  fi
  # shellcheck disable=SC2086  # a word for each part
  command=$(python_command $wanted)
  if [ -z "$command" ]; then
    fail "fastbench needs Python 3.11 or later, which is not there; install it by your system's package manager"
  fi
  if [ "$(id -u)" != 0 ]; then fail "fastbench needs Python 3.11 or later, which is not there; as root: $command"; fi
  say "Installing what is missing: $command"
  case $command in apt-get*) quietly apt-get update ;; esac
  # shellcheck disable=SC2086  # the words of the command
  DEBIAN_FRONTEND=noninteractive quietly $command
  python=python3
  is_new_enough "$python" || fail "fastbench needs Python 3.11 or later, and this system has $(python3 --version 2>&1); name another one: PYTHON=/path/to/python3"
}

# Runs a command; shows what it printed only where it failed.
quietly() {
  printed=$("$@" 2>&1) || fail "$printed
$* failed"
}

# What the system must have: build, venv, openssl (see needs.py).
system_has() { "$python" "$here/needs.py" --install "$@" || exit 1; }

# One that was left half-made, without pip, is made anew; a directory that is no environment is never emptied.
make_environment() {
  if "$in_venv" -m pip --version >/dev/null 2>&1; then return; fi
  if [ -e "$VENV/pyvenv.cfg" ]; then set -- --clear; fi
  quietly "$python" -m venv "$@" "$VENV"
}

# Whether one of the files that `find` names by the arguments is newer than the stamp.
is_older() {
  stamp=$1
  shift
  test ! -e "$stamp" || test -n "$(find "$here/pyproject.toml" "$here/setup.py" "$here/needs.py" -newer "$stamp" -print
    find "$here/fastbench" -type f -newer "$stamp" \( "$@" \) -print)"
}
