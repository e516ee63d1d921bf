"""What of the system a build of fastbench needs: looked at before anything is compiled, told in one sentence.

    python3 needs.py [--tests]      exit code 1, and the sentence on standard error, where something is missing

--tests: what `make test` needs as well. Runs on any Python 3 and imports nothing of fastbench.
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
        "apt-get install",
        {"a C compiler": "build-essential", "Python.h": "python3-dev", "venv": "python3-venv", "openssl": "openssl"},
    ),
    "fedora": (
        "dnf install",
        {"a C compiler": "gcc", "Python.h": "python3-devel", "venv": "python3-pip", "openssl": "openssl"},
    ),
    "alpine": (
        "apk add",
        {"a C compiler": "build-base", "Python.h": "python3-dev", "venv": "py3-pip", "openssl": "openssl"},
    ),
}
_ALIKE = {"ubuntu": "debian", "rhel": "fedora", "centos": "fedora"}
_PROGRAM = b"#include <errno.h>\n#include <sys/epoll.h>\n#include <linux/types.h>\n#include <Python.h>\n"


def fault(tests: bool = False, os_release: str = "/etc/os-release") -> "str | None":
    """The sentence for what is missing; None where everything is there."""
    if not sys.platform.startswith("linux"):
        return (
            f"fastbench needs Linux, whose epoll and receive time stamps it measures by, and this is {sys.platform}; "
            "run it in a Linux container or machine"
        )
    lacking = [*_missing_to_build(), *(_missing_to_test() if tests else ())]
    if not lacking:
        return None
    what = " and ".join(lacking)
    return f"fastbench is compiled here, and {what} cannot be found or used; {_remedy(lacking, os_release)}"


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


def _missing_to_test() -> "list[str]":
    modules = ("venv", "ensurepip")
    lacking = [] if all(importlib.util.find_spec(name) for name in modules) else ["venv"]
    return lacking + ([] if shutil.which("openssl") else ["openssl"])


def _remedy(lacking: "list[str]", os_release: str) -> str:
    known = [name for name in _systems(os_release) if name in _PACKAGES]
    if known:
        return _command(known[0], lacking)
    return "; ".join(f"on {name.capitalize()}: {_command(name, lacking)}" for name in _PACKAGES)


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
    parser = argparse.ArgumentParser(description="Tells what the system lacks for a build of fastbench.")
    parser.add_argument("--tests", action="store_true", help="what `make test` needs as well")
    sys.exit(fault(parser.parse_args().tests))
