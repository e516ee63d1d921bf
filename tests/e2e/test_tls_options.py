"""The options of TLS, from the command line into the report."""

from pathlib import Path

import pytest
from nursery import Mock
from running import Argument, perf

from fastbench.recording import Recording

SMALL = ("--input-len", 8, "--output-len", 4, "--num-prompts", 3, "--no-plot")


def test_insecure_says_so(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """`--insecure` measures a service that nobody trusts, and neither report nor recording hides it."""
    cert, key = certificate
    with Mock(tls_cert=cert, tls_key=key) as mock:
        ended = perf(tmp_path, "--url", mock.url, *SMALL, "--insecure", "--service-metrics")
    assert (ended.code, ended.err) == (0, "")
    assert "The service's certificate was not verified (insecure)" in ended.out
    assert header_of(ended.work_dir)["service"]["tls"] == "not verified"


def test_ca_file(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """`--ca-file` verifies by its own certificates, for the model's name, the requests and the scrapes."""
    cert, key = certificate
    with Mock(tls_cert=cert, tls_key=key) as mock:
        ended = perf(tmp_path, "--url", mock.url, *SMALL, "--ca-file", cert, "--service-metrics")
    assert (ended.code, ended.err) == (0, "")
    assert "not verified" not in ended.out
    assert header_of(ended.work_dir)["service"]["tls"] == "verified"


@pytest.mark.parametrize("option", ["--ca-file", "--client-cert"])
def test_absent_file(tmp_path: Path, option: str) -> None:
    """A file that is not there is one sentence that names the option, before anything is sent."""
    ended = perf(tmp_path, "--url", "https://127.0.0.1:9", *SMALL, option, "/none.pem")
    assert ended.code == 2
    assert f"{option} is '/none.pem', which cannot be used: No such file" in ended.one_sentence()
    assert not ended.work_dir.exists()


def header_of(work_dir: Path) -> dict[str, dict[str, object]]:
    """What the one recording below says of its run."""
    (file,) = work_dir.rglob("requests.fbr")
    return Recording.open(file.parent).header


@pytest.mark.parametrize("options", [(), ("--model", "m"), ("--model", "m", "--num-warmups", 0)], ids=len)
def test_https_to_a_port_in_clear(tmp_path: Path, service: Mock, options: tuple[Argument, ...]) -> None:
    """A https URL of a port that speaks http is refused at once, in plain words."""
    ended = perf(tmp_path, "--url", service.url.replace("http:", "https:"), "--input-len", 4, *options)
    assert ended.code == 1
    assert ended.one_sentence().endswith("cannot be used: the port does not speak TLS: write http:// in url (--url).")
