"""What of the system fastbench needs: looked at before anything is installed or compiled, told in one sentence.

    python3 needs.py [--install] [build] [venv] [openssl]

build (taken where none is named): a C compiler and Python's headers. venv: environments with pip. openssl: for the
tests. Where something is missing, exit code 1 and the sentence on standard error; --install installs it instead, where
root runs this on Debian, Fedora, Alpine or what is like them. Runs on any Python 3 and imports nothing of fastbench.
"""

import argparse
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig

# By the id of the system's /etc/os-release: the command, and the packages that bring each thing.
_PACKAGES = {
    "debian": (
        "apt-get install -y",
        {"a C compiler": "gcc libc6-dev", "Python.h": "python3-dev", "venv": "python3-venv", "openssl": "openssl"},
    ),
    "fedora": (
        "dnf install -y",
        {"a C compiler": "gcc", "Python.h": "python3-devel", "venv": "python3-pip", "openssl": "openssl"},
    ),
    "alpine": (
        "apk add",
        {"a C compiler": "build-base", "Python.h": "python3-dev", "venv": "py3-pip", "openssl": "openssl"},
    ),
}
OS_RELEASE = "/etc/os-release"
_ALIKE = {"ubuntu": "debian", "rhel": "fedora", "centos": "fedora"}
_PROGRAM = b"#include <errno.h>\n#include <sys/epoll.h>\n#include <linux/types.h>\n#include <Python.h>\n"


def fault(parts: "tuple[str, ...]" = ("build",), os_release: str = OS_RELEASE) -> "str | None":
    """The sentence for what is missing; None where everything is there. parts: of `PARTS`."""
    if not sys.platform.startswith("linux"):
        return (
            f"fastbench needs Linux, whose epoll and receive time stamps it measures by, and this is {sys.platform}; "
            "run it in a Linux container or machine"
        )
    lacking = _missing(parts)
    if not lacking:
        return None
    what = " and ".join(filter(None, [", ".join(lacking[:-1]), lacking[-1]]))
    why = "fastbench is compiled here, and " if "build" in parts else ""
    return f"{why}{what} cannot be found or used; {_remedy(lacking, os_release)}"


def install(parts: "tuple[str, ...]", os_release: str = OS_RELEASE) -> None:
    """Installs what is missing, where this is root on a known system; tells what it does on standard error."""
    lacking = _missing(parts)
    known = _known(os_release)
    if not lacking or known is None or os.geteuid() != 0 or not sys.platform.startswith("linux"):
        return
    commands = [_command(known, lacking)]
    if known == "debian":
        commands[:0] = ["apt-get update"]
    print(f"Installing what is missing: {commands[-1]}", file=sys.stderr)
    for command in commands:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            command.split(), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            raise SystemExit(f"{done.stdout.decode(errors='replace')}{command} failed")


def _missing(parts: "tuple[str, ...]") -> "list[str]":
    return [thing for part in parts for thing in PARTS[part]()]


def _missing_to_build() -> "list[str]":
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    has_header = os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
    lacking = [] if has_header else ["Python.h"]
    if shutil.which(compiler[0]) is None:
        return ["a C compiler", *lacking]
    # A compiler without the C library's headers is none; what it says matters to nobody who lacks Python.h anyway.
    return lacking or ([] if _compiles(compiler) else ["a C compiler"])


def _compiles(compiler: "list[str]") -> bool:
    command = [*compiler, "-fsyntax-only", "-x", "c", f"-I{sysconfig.get_path('include')}", "-"]
    command[-1:-1] = [f"-I{sysconfig.get_path('platinclude')}"]
    return subprocess.run(command, input=_PROGRAM, capture_output=True, check=False).returncode == 0


def _missing_venv() -> "list[str]":
    return [] if all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")) else ["venv"]


def _missing_openssl() -> "list[str]":
    return [] if shutil.which("openssl") else ["openssl"]


PARTS = {"build": _missing_to_build, "venv": _missing_venv, "openssl": _missing_openssl}


def _remedy(lacking: "list[str]", os_release: str) -> str:
    known = _known(os_release)
    if known is None:
        return "; ".join(f"on {name.capitalize()}: {_command(name, lacking)}" for name in _PACKAGES)
    return ("" if os.geteuid() == 0 else "sudo " if shutil.which("sudo") else "as root: ") + _command(known, lacking)


def _known(os_release: str) -> "str | None":
    return next((name for name in _systems(os_release) if name in _PACKAGES), None)


def _command(system: str, lacking: "list[str]") -> str:
    command, packages = _PACKAGES[system]
    return " ".join([command, *(packages[thing] for thing in lacking)])


def _systems(os_release: str) -> "list[str]":
    """The system's id and those that it is like."""
    try:
        with open(os_release, encoding="utf-8") as file:
            fields = dict(line.strip().split("=", 1) for line in file if "=" in line)
    except OSError:
        return []
    names = " ".join(fields.get(name, "").strip("\"'") for name in ("ID", "ID_LIKE")).split()
    return [_ALIKE.get(name, name) for name in names]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Tells what the system lacks for fastbench.")
    parser.add_argument("--install", action="store_true", help="install it, where root runs this on a known system")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; build where none is named")
    given = parser.parse_args()
    asked = tuple(given.parts) or ("build",)
    if unknown := set(asked) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if given.install:
        install(asked)
    sys.exit(fault(asked))
