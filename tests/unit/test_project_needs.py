"""`needs.py`: what a build lacks, told before anything is compiled."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def needs() -> ModuleType:
    """The module, which stands beside `setup.py`."""
    spec = importlib.util.spec_from_file_location("needs", ROOT / "needs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def debian(tmp_path: Path) -> str:
    path = tmp_path / "os-release"
    path.write_text('PRETTY_NAME="Some Linux"\nID=debian\n')
    return str(path)


def test_nothing_is_missing_here(needs: ModuleType) -> None:
    """Where these tests run, fastbench was compiled."""
    assert needs.fault() is None


@pytest.mark.parametrize(
    ("release", "remedy"),
    [
        ("ID=debian", "apt-get install build-essential"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"', "apt-get install build-essential"),
        ("ID=fedora", "dnf install gcc"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"', "dnf install gcc"),
        ("ID=alpine", "apk add build-base"),
    ],
)
def test_no_compiler(
    needs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, remedy: str
) -> None:
    """Without a compiler the sentence names the package and the command of the system at hand."""
    monkeypatch.setenv("CC", "no-such-compiler")
    path = tmp_path / "os-release"
    path.write_text(release + "\n")
    told = needs.fault(os_release=str(path))
    assert "a C compiler cannot be found" in told
    assert told.endswith(remedy)


def test_an_unknown_system(needs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system is not known, the commands of the known ones are told."""
    monkeypatch.setenv("CC", "no-such-compiler")
    told = needs.fault(os_release=str(tmp_path / "none"))
    assert all(command in told for command in ("apt-get install", "dnf install", "apk add"))


def test_no_headers_of_python(needs: ModuleType, debian: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a compiler but without Python.h, its package is named and no other."""
    monkeypatch.setattr(needs.sysconfig, "get_path", lambda _: str(tmp_path))
    told = needs.fault(os_release=debian)
    assert "Python.h" in told
    assert told.endswith("apt-get install python3-dev")


def test_a_compiler_that_finds_no_headers(
    needs: ModuleType, debian: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler without the C library's headers is found by trying it."""
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    assert needs.fault(os_release=debian).endswith("apt-get install build-essential")


def test_what_the_tests_need(needs: ModuleType, debian: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--tests` looks at ensurepip and openssl too."""
    found = needs.importlib.util.find_spec
    monkeypatch.setattr(needs.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else found(name))
    monkeypatch.setattr(needs.shutil, "which", lambda name: None if name == "openssl" else f"/usr/bin/{name}")
    monkeypatch.setenv("CC", "cc")
    assert needs.fault(tests=True, os_release=debian).endswith("apt-get install python3-venv openssl")


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems(needs: ModuleType, monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """On macOS and Windows one sentence says that Linux is needed."""
    monkeypatch.setattr(needs.sys, "platform", platform)
    assert needs.fault().startswith("fastbench needs Linux")


@pytest.mark.parametrize(
    "command", ["build_ext", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dist_info", "bdist_wheel"))]
)
def test_setup_says_it_before_it_compiles(tmp_path: Path, command: str) -> None:
    """`setup.py` ends with the sentence alone, before anything is written."""
    environment = os.environ | {"CC": "no-such-compiler"}
    setup = [sys.executable, str(ROOT / "setup.py"), "-q", command]
    ended = subprocess.run(setup, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert "a C compiler cannot be found" in line
    assert not any(tmp_path.iterdir())
