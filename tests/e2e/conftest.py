"""What the end-to-end tests share: services, and the run that others are compared with."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from forking import ForkingPopen
from nursery import Mock, StartedMock, forked_service
from streams import StreamsRun, run_undisturbed


@pytest.fixture(scope="session")
def service() -> Iterator[Mock]:
    """A quick service for tests that look at other things than its speed."""
    with Mock(ttft_ms=20, itl_ms=2, seed=1) as mock:
        yield mock


@pytest.fixture
def forked_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The services and workers of this process's runs are forked off."""
    monkeypatch.setattr(StartedMock, "_start", forked_service)
    monkeypatch.setattr(subprocess, "Popen", ForkingPopen)


@pytest.fixture(scope="session")
def calm(tmp_path_factory: pytest.TempPathFactory) -> StreamsRun:
    """Streams that nobody disturbs."""
    return run_undisturbed(tmp_path_factory.mktemp)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody but its owner trusts, and its key."""
    directory = tmp_path_factory.mktemp("tls")
    path, key = directory / "cert.pem", directory / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", path],
        check=True,
        capture_output=True,
    )
    return path, key
