"""Services that cannot be measured, or only in part: what is told, and with which exit code."""

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from nursery import Mock
from running import Argument, Ended, perf, table, write_config
from tiny_service import Answer, Asked, refusing, tiny_service, usual

SMALL = ("--input-len", 8, "--output-len", 8, "--num-prompts", 20, "--concurrency", 4)
HTML = b"<!doctype html><html><head><title>Welcome to nginx!</title></head><body>Nothing here</body></html>"


def failures(ended: Ended) -> list[list[str]]:
    """The table of the reasons."""
    header, *rows = table(ended.out, "Failed Requests")
    assert header == ["Failed Requests", "HTTP Status", "Count", "First Message"]
    return rows


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("options", [(), ("--model", "m"), ("--model", "m", "--num-warmups", 0)], ids=len)
def test_nobody_listens(tmp_path: Path, options: tuple[Argument, ...]) -> None:
    """A service that does not run is named by its URL, with what to check."""
    url = f"http://127.0.0.1:{free_port()}"
    ended = perf(tmp_path, "--url", url, *SMALL, *options)
    assert ended.code == 1
    told = ended.one_sentence()
    assert f"The service at {url} cannot be reached (Connection refused): check" in told
    assert ended.out == ""


def test_host_without_address(tmp_path: Path) -> None:
    """A host name that does not exist is named, with what to check."""
    ended = perf(tmp_path, "--url", "http://no-such-host.invalid:8000", *SMALL)
    assert ended.code == 1
    assert re.search(r"The host no-such-host\.invalid of .* has no address .*: check", ended.one_sentence())


def test_wrong_path(tmp_path: Path, service: Mock) -> None:
    """A URL below which there is no OpenAI interface gets the service's own 404, with what to check."""
    url = f"{service.url}/wrong"
    ended = perf(tmp_path, "--url", url, *SMALL)
    assert ended.code == 1
    assert re.search(rf"GET {url}/v1/models for the model's name answered 404 .*: check url", ended.one_sentence())


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("http=500", "failed: HTTP status 500, .*check url and model"),
        ("http=404", "failed: HTTP status 404, .*check url and model"),
        ("html", "failed: malformed, .*check that url names an OpenAI-compatible service"),
        ("empty", "failed: empty.*check the prompt and max_out_len"),
        ("cut=3", "failed: truncated.*check that the service streams whole replies"),
        ("reset=3", "failed: reset.*check that the service runs"),
        ("error-event=3", "failed: stream_error, .*EngineCore encountered an issue"),
    ],
)
def test_warm_up_fails(tmp_path: Path, fault: str, sentence: str) -> None:
    """A service that answers no warm-up request is not measured; its own words are told, with the way out."""
    with Mock(fault=[fault]) as mock:
        ended = perf(tmp_path, "--url", mock.url, *SMALL)
    assert ended.code == 1
    told = ended.one_sentence()
    assert f"The warm-up request to {mock.url}/v1/chat/completions {sentence.partition('.*')[0]}" in told
    assert re.search(sentence, told)
    assert told.endswith("or set num_warmups (--num-warmups) to 0 to measure all the same.")
    assert ended.out == ""
    assert len(ended.recording.rows) == 1


@pytest.mark.parametrize("status", [200, 502])
def test_web_page_in_the_place_of_the_service(tmp_path: Path, status: int) -> None:
    """A web server that answers every path with its page is told from a service."""
    with tiny_service(lambda _: Answer(status, "text/html", HTML)) as tiny:
        listing = perf(tmp_path, "--url", tiny.url, *SMALL)
        asking = perf(tmp_path, "--url", tiny.url, *SMALL, "--model", "m")
    assert (listing.code, asking.code) == (1, 1)
    assert re.search(r"/v1/models.* answer.*Welcome to nginx.*: check url", listing.one_sentence())
    assert "Welcome to nginx" in asking.one_sentence()


def test_no_models(tmp_path: Path) -> None:
    """A service that lists no model has to be told one."""
    with tiny_service(lambda _: Answer(200, "application/json", b'{"object": "list", "data": []}')) as tiny:
        ended = perf(tmp_path, "--url", tiny.url, *SMALL)
    assert ended.code == 1
    assert "lists no model: load one, or set model (--model)" in ended.one_sentence()


def test_all_requests_fail(tmp_path: Path) -> None:
    """When no request succeeds the reasons are tabled with the service's own words, and the exit code is 1."""
    with tiny_service(refusing(400, b'{"error": {"message": "max_tokens is too large"}}')) as tiny:
        ended = perf(tmp_path, "--url", tiny.url, *SMALL, "--num-warmups", 0)
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert failures(ended) == [["http_error", "400", "20", '{"error": {"message": "max_tokens is too large"}}']]
    assert "20 of 20 requests failed: 20 http_error 400; check url and model" in ended.one_sentence()
    assert "not to be trusted: Nothing was measured, because no request succeeded: " in ended.out
    common = ended.common_cells()
    assert (common["Total Requests"], common["Failed Requests"], common["Success Requests"]) == ("20", "20", "0")
    assert ended.trust["outcomes"] == {"ok": 0, "http_error": 20}


@pytest.mark.parametrize("status", [401, pytest.param(403, marks=pytest.mark.slow)])
def test_all_are_refused_without_a_key(tmp_path: Path, status: int) -> None:
    """Where the service wants a key, before the run, in its warm-up or in it, the option that gives one is named."""
    with tiny_service(lambda _: Answer(status, "application/json", b'{"error": "no key"}')) as tiny:
        for options in ((), ("--model", "m"), ("--model", "m", "--num-warmups", 0)):
            ended = perf(tmp_path, "--url", tiny.url, *SMALL, *options)
            assert ended.code == 1
            assert "--api-key-env" in ended.one_sentence()
            assert str(status) in ended.err


def test_some_requests_fail(tmp_path: Path) -> None:
    """When some requests fail the rest is measured, the reasons are tabled and told; the exit code is 0."""
    with Mock(ttft_ms=20, itl_ms=2, seed=3, fault=["http=503:0.2", "cut=3:0.2", "error-event=2:0.2"]) as mock:
        ended = perf(tmp_path, "--url", mock.url, *SMALL, "--num-prompts", 60, "--num-warmups", 0)
    assert ended.code == 0
    counts = {kind: int(count) for kind, _, count, _ in failures(ended)}
    told = ended.one_sentence()
    assert f" {sum(counts.values())} of 60 requests failed: " in told
    assert f"{counts['http_error']} http_error 503" in told
    assert "--reuse does not resend failed requests" in told
    assert set(counts) == {"http_error", "truncated", "stream_error"}
    common = ended.common()
    assert common["Failed Requests"] == sum(counts.values())
    assert common["Success Requests"] + common["Failed Requests"] == common["Total Requests"] == 60
    assert ended.trust["outcomes"] == {"ok": int(common["Success Requests"]), **counts}
    assert ended.parameters("N") == dict.fromkeys(ended.parameters("N"), common["Success Requests"])
    assert ended.parameters()["TTFT"] >= 20
    assert ended.parameters("Min")["TTFT"] == pytest.approx(20, abs=3)


def test_requests_that_never_end(tmp_path: Path) -> None:
    """A stream that stops half-way ends at `--timeout`, counts as a timeout, and holds up no other request."""
    with Mock(ttft_ms=5, itl_ms=1, seed=2, fault=["stall=3:0.2"]) as mock:
        ended = perf(tmp_path, "--url", mock.url, *SMALL, "--timeout", "0.5s", "--num-warmups", 0)
    ((kind, _, count, _),) = failures(ended)
    assert ended.code == 0
    told = ended.one_sentence()
    assert f" {count} of 20 requests failed: {count} timeout; check request_timeout (--timeout)" in told
    assert kind == "timeout"
    assert 0 < int(count) < 20
    assert ended.trust["outcomes"] == {"ok": 20 - int(count), "timeout": int(count)}
    assert ended.parameters("Max")["E2EL"] < 500


def test_one_task_fails(tmp_path: Path, service: Mock) -> None:
    """A task that cannot be carried out does not keep the next one from its turn, but from the exit code 0."""
    config = write_config(
        tmp_path,
        models=[
            {"type": "openai_chat", "abbr": "absent", "url": f"http://127.0.0.1:{free_port()}"},
            {"type": "openai_chat", "abbr": "present", "url": service.url},
        ],
        datasets=[{"type": "synthetic", "count": 3, "input_len": 4, "output_len": 2}],
    )
    ended = perf(tmp_path, "--config", config)
    assert ended.code == 1
    assert ended.one_sentence().startswith("fastbench: absent/synthetic: The service at ")
    assert ended.common()["Success Requests"] == 3
    assert re.findall(r"task: (\S+):", ended.out) == ["present/synthetic"]


def test_refused_first_attempts_are_retried(tmp_path: Path) -> None:
    """A request that fails before any byte of its answer is tried again, and its retry is told."""
    # On a busy machine one request may meet all three.
    with tiny_service(drop_first=3) as tiny:
        ended = perf(tmp_path, "--url", tiny.url, *SMALL, "--model", "m", "--num-warmups", 0, "--retry", 3)
    assert (ended.code, ended.err) == (0, "")
    assert ended.common()["Success Requests"] == 20
    assert ended.trust["load"]["failed_attempts"] >= 3


def without(*names: str) -> Callable[[Asked], Answer]:
    """A service that refuses requests with one of these fields, as transformers' does."""

    def answer(asked: Asked) -> Answer:
        unknown = [name for name in names if name in asked.body]
        if not unknown:
            return usual(asked)
        detail = json.dumps({"detail": f"Unexpected keys in the request: {{{unknown[0]!r}}}"}).encode()
        return Answer(422, "application/json", detail)

    return answer


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_default_that_is_refused_is_left_out(tmp_path: Path, workers: int) -> None:
    """`ignore_eos` and `stream_options` that nobody asked for are dropped at the warm-up, once each, with a note."""
    with tiny_service(without("ignore_eos", "stream_options")) as tiny:
        ended = perf(tmp_path, "--url", tiny.url, *SMALL, "--workers", workers)
    assert ended.code == 0, ended.err
    refused = [asked for asked in tiny.posts() if asked.body.keys() & {"ignore_eos", "stream_options"}]
    # Each is refused once by the two requests that look at the prompts' length, and once by the warm-up.
    assert len(refused) == 6
    assert ended.common()["Success Requests"] == 20
    assert "The service refused ignore_eos at the warm-up (Unexpected keys in the request: {'ignore_eos'})" in ended.out
    assert "The service refused stream_options at the warm-up" in ended.out
    assert ended.recording.header["left_out"].keys() == {"ignore_eos", "stream_options"}
    assert ended.recording.damage == []


@pytest.mark.parametrize("option", [("--ignore-eos",), ("--param", "ignore_eos=true")], ids=len)
def test_what_was_asked_for_is_not_left_out(tmp_path: Path, option: tuple[str, ...]) -> None:
    """A refused `ignore_eos` that an option asks for ends the run, with the service's words and the way out."""
    with tiny_service(without("ignore_eos")) as tiny:
        ended = perf(tmp_path, "--url", tiny.url, *SMALL, *option)
    assert ended.code == 1
    assert "Unexpected keys in the request: {'ignore_eos'}" in ended.one_sentence()
    assert "leave out ignore_eos (--no-ignore-eos)" in ended.one_sentence()


def test_a_service_that_takes_no_id(tmp_path: Path) -> None:
    """A service that refuses the id's header without a word is measured without it, as the message says."""

    def answer(asked: Asked) -> Answer:
        return Answer(400, "text/plain", b"") if asked.body and "x-request-id" in asked.headers else usual(asked)

    with tiny_service(answer) as tiny:
        refused = perf(tmp_path, "--url", tiny.url, *SMALL)
        taken = perf(tmp_path, "--url", tiny.url, *SMALL, "--request-id-header", "none")
    assert "the header X-Request-Id (--request-id-header none leaves it out)" in refused.one_sentence()
    assert (taken.code, taken.common()["Success Requests"]) == (0, 20)
