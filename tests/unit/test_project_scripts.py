"""`quickstart`, `test` and what they share, without an installation: what is told, and what is done again."""

import subprocess
from pathlib import Path

import pytest

from fastbench import __version__

ROOT = Path(__file__).parents[2]


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def ran(
    script: str, *options: str, path: str = "/usr/bin:/bin", **environment: str
) -> subprocess.CompletedProcess[str]:
    names = {"PATH": path, "HOME": "/nonexistent", **environment}
    return subprocess.run([str(ROOT / script), *options], env=names, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", ["quickstart", "test"])
def test_a_python_that_is_too_old(script: str, tmp_path: Path) -> None:
    """A Python before 3.11 is told with its version and the way out; nothing is installed or made."""
    old = program(tmp_path / "bin" / "python3", '[ "$1" = --version ] && echo Python 3.9.2; exit 1')
    for name in ("python3.11", "python3.12", "python3.13", "python3.14"):
        program(tmp_path / "bin" / name, "exit 127")
    told = ran(script, path=f"{old.parent}:/usr/bin:/bin", VENV=str(tmp_path / "venv"))
    assert told.returncode == 1
    assert told.stderr == (
        "fastbench needs Python 3.11 or later, and this is Python 3.9.2; "
        "install a later one, or name it: PYTHON=/path/to/python3\n"
    )
    assert not (tmp_path / "venv").exists()


def test_a_python_that_is_none(tmp_path: Path) -> None:
    """PYTHON that names nothing is not passed over for another one."""
    told = ran("test", "--set-up", PYTHON="python-of-nowhere", VENV=str(tmp_path / "venv"))
    assert told.returncode == 1
    assert told.stderr.startswith("PYTHON is python-of-nowhere, which is no Python of 3.11 or later")


@pytest.mark.parametrize("stamp", [".built", ".quickstart"])
def test_what_is_set_up_is_not_set_up_again(stamp: str, tmp_path: Path) -> None:
    """With an environment that is younger than the sources the measurement starts at once, with the user's options, and
    the command for a service of one's own is told."""
    program(tmp_path / "bin" / "fastbench", 'printf "%s\\n" "$@"')
    (tmp_path / stamp).touch()
    done = ran("quickstart", "--seed", "1", VENV=str(tmp_path))
    yours = f"Now yours: {tmp_path}/bin/fastbench perf http://HOST:PORT\n"
    assert (done.returncode, done.stderr) == (0, yours)
    assert done.stdout.split() == ["perf", "--config", f"{ROOT}/examples/quickstart.py", "--seed", "1"]


@pytest.mark.parametrize(
    ("options", "more"),
    [
        (("http://gpu:8000",), ("--concurrency", "8", "--duration", "15s")),
        (("--seed", "1", "--url", "https://gpu"), ()),
        (("http://gpu:8000", "--rate", "3"), ()),
        (("gpu:8000",), ("--concurrency", "8", "--duration", "15s")),
    ],
)
def test_a_service_of_ones_own(options: tuple[str, ...], more: tuple[str, ...], tmp_path: Path) -> None:
    """With a URL the quick start measures that service, not the simulated one; with a URL alone for a short time."""
    program(tmp_path / "bin" / "fastbench", 'printf "%s\\n" "$@"')
    (tmp_path / ".built").touch()
    done = ran("quickstart", *options, VENV=str(tmp_path))
    assert (done.returncode, done.stderr, done.stdout.split()) == (0, "", ["perf", *options, *more])


def test_the_quick_start_says_what_it_takes(tmp_path: Path) -> None:
    """Asked for help it prints how it is used, and neither installs nor measures."""
    done = ran("quickstart", "--help", VENV=str(tmp_path / "none"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "./quickstart [--published] [URL of a service]" in done.stdout
    assert "set -eu" not in done.stdout
    assert not (tmp_path / "none").exists()


def test_make_and_the_script_have_one_environment(tmp_path: Path) -> None:
    """`./test --set-up` does nothing where the stamp is younger than what is compiled."""
    (tmp_path / ".built").touch()
    done = ran("test", "--set-up", VENV=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        (
            "apt-get",
            "apt-get install -y --no-install-recommends python3 python3-venv gcc libc6-dev python3-dev openssl",
        ),
        ("dnf", "dnf install -y python3 gcc python3-devel openssl"),
        ("apk", "apk add python3 build-base python3-dev openssl"),
    ],
)
def test_without_python_one_command_installs_all(tmp_path: Path, manager: str, command: str) -> None:
    """A plain user without Python is told one command, the package manager's, for all that the tests need."""
    for name in ("sh", "dirname", "find", "nproc"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    program(tmp_path / manager, "exit 1")
    program(tmp_path / "id", "echo 1000")
    told = ran("test", path=str(tmp_path), VENV=str(tmp_path / "venv"))
    assert told.returncode == 1
    assert told.stderr == f"fastbench needs Python 3.11 or later, which is not there; as root: {command}\n"


def test_quickstart_looks_for_the_wheel_of_this_version() -> None:
    """The line of the script that reads the version gives that of the package, by which it finds a wheel."""
    (line,) = [line for line in (ROOT / "quickstart").read_text().splitlines() if line.startswith("version=")]
    said = subprocess.run(["sh", "-c", f'here=.; {line}; echo "$version"'], cwd=ROOT, capture_output=True, text=True)
    assert said.stdout.strip() == __version__
