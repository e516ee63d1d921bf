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


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests."""
    monkeypatch.setattr("os.geteuid", lambda: 0)


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
        ("ID=debian", "apt-get install -y gcc libc6-dev"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"', "apt-get install -y gcc libc6-dev"),
        ("ID=fedora", "dnf install -y gcc"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"', "dnf install -y gcc"),
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
    assert told.endswith("apt-get install -y python3-dev")


def test_a_compiler_that_finds_no_headers(
    needs: ModuleType, debian: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler without the C library's headers is found by trying it."""
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    assert needs.fault(os_release=debian).endswith("apt-get install -y gcc libc6-dev")


def test_what_the_tests_need(needs: ModuleType, debian: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`venv` looks at ensurepip too, `openssl` at the command; several things are one command."""
    found = needs.importlib.util.find_spec
    monkeypatch.setattr(needs.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else found(name))
    monkeypatch.setattr(needs.shutil, "which", lambda name: None if name == "openssl" else f"/usr/bin/{name}")
    monkeypatch.setenv("CC", "cc")
    told = needs.fault(("build", "venv", "openssl"), debian)
    assert told.startswith("fastbench is compiled here, and venv and openssl cannot be found")
    assert told.endswith("; apt-get install -y python3-venv openssl")
    assert needs.fault(("venv",), debian).startswith("venv cannot be found")


@pytest.mark.parametrize(("sudo", "way"), [(None, "as root: "), ("/usr/bin/sudo", "sudo ")])
def test_how_a_plain_user_types_it(
    needs: ModuleType, debian: str, monkeypatch: pytest.MonkeyPatch, sudo: str | None, way: str
) -> None:
    """Who is not root is told so, or to use sudo where it is."""
    monkeypatch.setattr(needs.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(needs.shutil, "which", lambda name: sudo if name == "sudo" else None)
    assert needs.fault(("openssl",), debian).endswith(f"; {way}apt-get install -y openssl")


def test_what_is_missing_is_installed(
    needs: ModuleType, debian: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Root on a known system installs it, after the list of packages was renewed; a plain user installs nothing."""
    ran = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0, b"")

    monkeypatch.setattr(needs.subprocess, "run", run)
    monkeypatch.setattr(needs.shutil, "which", lambda _: None)
    needs.install(("openssl",), debian)
    assert ran == [["apt-get", "update"], ["apt-get", "install", "-y", "openssl"]]
    assert capsys.readouterr().err == "Installing what is missing: apt-get install -y openssl\n"
    monkeypatch.setattr(needs.os, "geteuid", lambda: 1000)
    needs.install(("openssl",), debian)
    assert len(ran) == 2


def test_an_installation_that_fails(needs: ModuleType, debian: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the package manager said is shown, and which command failed."""
    failed = subprocess.CompletedProcess([], 100, b"E: no network\n")
    monkeypatch.setattr(needs.subprocess, "run", lambda *_, **__: failed)
    monkeypatch.setattr(needs.shutil, "which", lambda _: None)
    with pytest.raises(SystemExit, match="E: no network\napt-get update failed"):
        needs.install(("openssl",), debian)


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
