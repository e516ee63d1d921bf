"""Services by address and by protocol: IPv6, https, keys."""

import os
from pathlib import Path

import pytest
from nursery import Mock
from running import Argument, Ended, perf, write_config
from tiny_service import Answer, Asked, tiny_service, usual

SMALL = ("--input-len", 16, "--output-len", 8, "--num-prompts", 12, "--concurrency", 3)
SECRET = "sk-e2e-5up3r53cr37-0123456789"


def everything_left(ended: Ended) -> bytes:
    """All that a run has printed and written."""
    files = [path.read_bytes() for path in ended.run.rglob("*") if path.is_file()]
    assert len(files) >= 2
    return b"\n".join([ended.out.encode(), ended.err.encode(), *files])


def test_ipv6(tmp_path: Path) -> None:
    """A service at an IPv6 address is measured like any other."""
    with Mock(host="::1", ttft_ms=20, itl_ms=2) as mock:
        assert mock.url.startswith("http://[::1]:")
        ended = perf(tmp_path, "--url", mock.url, *SMALL)
    assert (ended.code, ended.err) == (0, "")
    assert ended.common()["Success Requests"] == 12


def test_https(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """Over TLS no latency is below what the service takes, once its certificate is trusted."""
    cert, key = certificate
    with Mock(ttft_ms=30, itl_ms=5, tls_cert=cert, tls_key=key) as mock:
        ended = perf(tmp_path, "--url", mock.url, *SMALL, env={"SSL_CERT_FILE": str(cert)})
    assert (ended.code, ended.err) == (0, "")
    assert ended.common()["Total Generated Tokens"] == 12 * 8
    assert ended.parameters("Min")["TTFT"] >= 30
    assert ended.parameters("Min")["E2EL"] >= 30 + 7 * 5


@pytest.mark.slow
def test_https_costs_no_time(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """Over TLS the latencies are close to those of the service, on a machine that has time for it."""
    cert, key = certificate
    with Mock(ttft_ms=30, itl_ms=5, tls_cert=cert, tls_key=key) as mock:
        ended = perf(tmp_path, "--url", mock.url, *SMALL, env={"SSL_CERT_FILE": str(cert)})
    assert (ended.code, ended.err) == (0, "")
    median = ended.parameters("Median")
    assert median["TTFT"] == pytest.approx(30, abs=10)
    assert median["ITL"] == pytest.approx(5, abs=1)


@pytest.mark.parametrize("options", [(), ("--model", "mock"), ("--model", "mock", "--num-warmups", 0)])
def test_certificate_that_nobody_trusts(
    tmp_path: Path, certificate: tuple[Path, Path], options: tuple[Argument, ...]
) -> None:
    """A certificate that cannot be verified is the reason that is told, and nothing is measured."""
    cert, key = certificate
    with Mock(tls_cert=cert, tls_key=key) as mock:
        ended = perf(tmp_path, "--url", mock.url, *SMALL, *options)
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert "self-signed certificate" in ended.out + ended.err


def test_key_from_the_environment(tmp_path: Path) -> None:
    """A key named by `--api-key-env` is sent with every request and stands nowhere else."""
    with tiny_service() as tiny:
        ended = perf(tmp_path, "--url", tiny.url, *SMALL, "--api-key-env", "E2E_KEY", env={"E2E_KEY": SECRET})
    assert (ended.code, ended.err) == (0, "")
    assert {asked.headers["authorization"] for asked in tiny.asked} == {f"Bearer {SECRET}"}
    assert SECRET.encode() not in everything_left(ended)


def test_key_in_the_config(tmp_path: Path) -> None:
    """A key written into a config, or a header that is one, is sent, and left out of all that the run writes."""
    with tiny_service() as tiny:
        config = write_config(
            tmp_path,
            models=[{"type": "openai_chat", "url": tiny.url, "api_key": SECRET, "headers": {"X-Api-Key": SECRET}}],
            datasets=[{"type": "synthetic", "count": 3, "input_len": 4, "output_len": 2}],
        )
        ended = perf(tmp_path, "--config", config)
    assert (ended.code, ended.err) == (0, "")
    assert {asked.headers["authorization"] for asked in tiny.asked} == {f"Bearer {SECRET}"}
    assert {asked.headers["x-api-key"] for asked in tiny.asked} == {SECRET}
    assert SECRET.encode() not in everything_left(ended)


@pytest.mark.parametrize("options", [(), ("--model", "m"), ("--model", "m", "--num-warmups", 0)], ids=len)
def test_service_that_repeats_the_key(tmp_path: Path, options: tuple[Argument, ...]) -> None:
    """A service's message that repeats the key is told and kept without it, whatever was asked for."""

    def answer(asked: Asked) -> Answer:
        said = f'{{"error": {{"message": "Incorrect API key provided: {asked.headers["authorization"]}"}}}}'
        return Answer(401, "application/json", said.encode())

    with tiny_service(answer) as tiny:
        options = ("--api-key-env", "E2E_KEY", *options)
        ended = perf(tmp_path, "--url", tiny.url, *SMALL, *options, env={"E2E_KEY": SECRET})
    assert ended.code == 1
    assert "Incorrect API key provided" in ended.out + ended.err
    assert SECRET.encode() not in everything_left(ended)


def test_key_that_is_not_set(tmp_path: Path) -> None:
    """A variable that is not set is one sentence that names it, before anything is sent."""
    assert "E2E_MISSING" not in os.environ
    ended = perf(tmp_path, "--url", "http://127.0.0.1:9", *SMALL, "--api-key-env", "E2E_MISSING")
    assert ended.code == 2
    assert "--api-key-env names the environment variable E2E_MISSING, which is not set" in ended.one_sentence()
    assert not ended.work_dir.exists()


def test_base_url_with_a_path(tmp_path: Path) -> None:
    """The service may live below a path; a `/v1` at its end is not asked for twice."""
    with tiny_service(usual) as tiny:
        assert perf(tmp_path, "--url", f"{tiny.url}/team/v1/", *SMALL).code == 0
    assert {asked.path for asked in tiny.asked} == {"/team/v1/models", "/team/v1/chat/completions"}
