"""The service's metrics page: what is read of it, and how it is asked for."""

import asyncio
import socket
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import pytest
from certificates import secure, trusting, usual
from pages import page, spec_record
from replies import document
from serving import Handler, Service, answering, answering_once, closed_port, each_request, finish, stall

from fastbench.client import scrape
from fastbench.client.scrape import kept_series, scraping
from fastbench.client.tls import TlsSettings
from fastbench.dialects import Endpoint
from fastbench.recording import FIGURES, Scrape
from fastbench.recording.scrapes import Series, scrape_of

PAGE = page("vllm_v1")
MS = 1_000_000
OK_PAGE = document(PAGE, "text/plain; version=0.0.4; charset=utf-8")


def read(content: bytes) -> Scrape:
    return scrape_of({"t_ns": 1, "series": kept_series(content)})


def told(content: bytes) -> dict[str, float]:
    """Every figure that a page tells."""
    values = {name: read(content).value(name) for name in FIGURES}
    return {name: value for name, value in values.items() if value is not None}


def take(
    port: int,
    *,
    tls: TlsSettings | None = None,
    headers: dict[str, str] | None = None,
    hide: Any = bytes,
    interval_ns: int | None = None,
    stay_s: float = 0.0,
    pages: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The records of the scrapes around a block that lasts `stay_s`."""
    records: list[dict[str, Any]] = []

    async def run() -> None:
        endpoint = Endpoint("https" if tls else "http", "127.0.0.1", port, "/base")
        async with scraping(endpoint, headers or {}, hide, records.append, interval_ns, tls=tls, pages=pages):
            await asyncio.sleep(stay_s)

    asyncio.run(run())
    return records


def test_a_page_of_vllm() -> None:
    """V1's page: engines are added up, shares averaged; an old name beside the new one does not count."""
    assert told(PAGE) == {
        "requests_running": 32,
        "requests_waiting": 3,
        "kv_cache_use": 0.375,
        "prefix_cache_queries": 8_128_902,
        "prefix_cache_hits": 2_032_225,
        "preemptions": 7,
        "generated_tokens": 52_000,
        "spec_drafts": 1000,
        "spec_draft_tokens": 3000,
        "spec_accepted_tokens": 1700,
        "spec_accepted_at": 1700,
    }


def test_labels_are_kept() -> None:
    """Labels are read with their escapes, and with the position in a draft."""
    series = read(PAGE).of("spec_accepted_at")
    assert [(one.labels["position"], one.value) for one in series] == [("0", 900), ("1", 500), ("2", 300)]
    assert {one.labels["model_name"] for one in series} == {'org/m "x"'}


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        (
            "vllm_v0",
            {
                "requests_running": 4,
                "requests_waiting": 1,
                "kv_cache_use": 0.42,
                "prefix_cache_hit_rate": -1,
                "preemptions": 2,
                "generated_tokens": 27_453,
            },
        ),
        (
            "sglang",
            {
                "requests_running": 162,
                "requests_waiting": 2826,
                "kv_cache_use": 0.28,
                "prefix_cache_queries": 8_128_902,
                "prefix_cache_hits": 61_024,
                "prefix_cache_hit_rate": 0.007507552643049313,
                "preemptions": 48,
                "generated_tokens": 7_557_572,
            },
        ),
        ("tgi", {"requests_running": 16, "requests_waiting": 5, "generated_tokens": 7680}),
    ],
)
def test_pages_of_other_services(name: str, figures: dict[str, float]) -> None:
    """V0 of vLLM, SGLang and TGI tell the same figures under their own names."""
    assert told(page(name)) == figures


@pytest.mark.parametrize(
    ("content", "figures"),
    [
        (
            b"llamacpp:requests_processing 3\nllamacpp:requests_deferred 2\nllamacpp:tokens_predicted_total 340\n",
            {"requests_running": 3, "requests_waiting": 2, "generated_tokens": 340},
        ),
        (
            b'lmdeploy:num_requests_running{engine="0"} 3\nlmdeploy:num_requests_waiting{engine="0"} 1\n'
            b'lmdeploy:gpu_cache_usage_perc{engine="0"} 0.5\nlmdeploy:generation_tokens_total{engine="0"} 9\n',
            {"requests_running": 3, "requests_waiting": 1, "kv_cache_use": 0.5, "generated_tokens": 9},
        ),
        (
            b'trtllm_num_requests_running{m="x"} 3\ntrtllm_num_requests_waiting{m="x"} 0\n'
            b'trtllm_kv_cache_utilization{m="x"} 0.25\ntrtllm_kv_cache_hit_rate{m="x"} 0.125\n',
            {"requests_running": 3, "requests_waiting": 0, "kv_cache_use": 0.25, "prefix_cache_hit_rate": 0.125},
        ),
        (
            b'nv_trt_llm_request_metrics{model="m",request_type="context",version="1"} 1\n'
            b'nv_trt_llm_request_metrics{model="m",request_type="scheduled",version="1"} 4\n'
            b'nv_trt_llm_request_metrics{model="m",request_type="max",version="1"} 512\n'
            b'nv_trt_llm_request_metrics{model="m",request_type="waiting",version="1"} 2\n'
            b'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="m"} 0.75\n'
            b'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",model="m"} 1000\n',
            {"requests_running": 4, "requests_waiting": 2, "kv_cache_use": 0.75},
        ),
        (b'nv_inference_pending_request_count{model="m",version="1"} 5\n', {"requests_waiting": 5}),
        (
            b'dynamo_frontend_inflight_requests{model="m"} 7\ndynamo_frontend_queued_requests{model="m"} 2\n'
            b'dynamo_frontend_output_tokens_total{model="m"} 80\n',
            {"requests_running": 7, "requests_waiting": 2, "generated_tokens": 80},
        ),
        (
            b'sgl_router_running_requests{worker="a"} 3\nsgl_router_running_requests{worker="b"} 4\n',
            {"requests_running": 7},
        ),
        (b'vllm_router_running_requests{worker="a"} 3\n', {"requests_running": 3}),
        (
            b"litellm_in_flight_requests 6\nlitellm_output_tokens_metric_total 70\n",
            {"requests_running": 6, "generated_tokens": 70},
        ),
        (
            b'vllm_router_running_requests{worker="a"} 9\nvllm:num_requests_running{engine="0"} 3\n',
            {"requests_running": 3},
        ),
    ],
)
def test_lines_of_further_services(content: bytes, figures: dict[str, float]) -> None:
    """Each service's own names are known, by label where one name says several things; engines win over routers."""
    assert told(content) == figures


def test_several_pages_are_one_scrape() -> None:
    """The series of all pages stand together; keys go to the service's own host alone."""
    asked: list[bytes] = []

    def noting(connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            asked.append(request)
            connection.sendall(OK_PAGE)

    with Service(noting) as own, Service(noting) as other:
        pages = [f"http://127.0.0.1:{service.port}/base/metrics" for service in (own, other)]
        first, _ = take(own.port, headers={"Authorization": "Bearer key"}, pages=pages)
        assert scrape_of(first).value("requests_running") == 64
        assert first["url"] == ", ".join(pages)
        by_port = {own.port: True, other.port: False}
        for request in asked:
            port = int(request.partition(b"Host: 127.0.0.1:")[2].partition(b"\r\n")[0])
            assert (b"Bearer key" in request) is by_port[port]
    assert len(asked) == 4


def test_a_page_of_several_that_is_not_there() -> None:
    """A scrape of which one page fails is none, and says which page it was."""
    missing = document(b"", status="404 Not Found")
    with Service(answering(OK_PAGE)) as there, Service(answering(missing)) as gone:
        pages = [f"http://127.0.0.1:{service.port}/metrics" for service in (there, gone)]
        first, _ = take(there.port, pages=pages)
    assert first["error"] == f"{pages[1]}: HTTP status 404: name the page by metrics_url (--metrics-url)"


@pytest.mark.parametrize(
    "content", [b"", b"<html>no metrics</html>", b"up 1\n", b"tgi_queue_sizes 3\n# tgi_queue_size 3\n"]
)
def test_a_page_without_a_known_figure(content: bytes) -> None:
    """A page of other names tells nothing and is no error."""
    assert told(content) == {}


@pytest.mark.parametrize(
    "line", [b"tgi_queue_size x", b"tgi_queue_size {", b'tgi_queue_size{a="b", ="}"} 1', b"tgi_queue_size \xff"]
)
def test_a_line_that_is_not_in_the_format(line: bytes) -> None:
    """A line of a known name that cannot be read is a ValueError, whatever the parser makes of it."""
    with pytest.raises(ValueError, match=r"float|format"):
        kept_series(line + b"\n")


@pytest.mark.parametrize("value", [b"NaN", b"+Inf", b"-Inf"])
def test_values_that_are_no_numbers(value: bytes) -> None:
    """What is not finite is left out: JSON has no way to write it."""
    assert kept_series(b"tgi_queue_size " + value + b"\ntgi_batch_current_size 2\r\n") == [
        ("tgi_batch_current_size", {}, 2)
    ]


def test_before_and_after() -> None:
    """The page is looked at when the block begins and when it ends, with the moments at which that was."""
    before = time.monotonic_ns()
    with Service(answering(OK_PAGE)) as service:
        first, last = take(service.port, stay_s=0.05)
    scrapes = [scrape_of(first), scrape_of(last)]
    assert before < first["t_ns"] < first["t_ns"] + first["took_ns"] + 50_000_000 <= last["t_ns"]
    assert {one.url for one in scrapes} == {f"http://127.0.0.1:{service.port}/base/metrics"}
    assert [one.value("requests_running") for one in scrapes] == [32, 32]


def dealt_out(port: int, interval_ns: int, *, least: int, of: int = 1) -> list[list[dict[str, Any]]]:
    """The records of each of `of` workers that scrape until all have `least`, and at the end of the block once more."""
    records: list[list[dict[str, Any]]] = [[] for _ in range(of)]

    async def run() -> None:
        endpoint = Endpoint("http", "127.0.0.1", port, "")
        async with AsyncExitStack() as stack:
            for number, found in enumerate(records):
                share = scraping(endpoint, {}, bytes, found.append, interval_ns, number=number, of=of)
                await stack.enter_async_context(share)
            while min(map(len, records)) < least:
                await asyncio.sleep(0.005)

    asyncio.run(run())
    return records


def test_at_every_interval() -> None:
    """In between the page is looked at once an interval, never before it is over, over one connection."""
    with Service(answering(OK_PAGE)) as service:
        (records,) = dealt_out(service.port, 50 * MS, least=4)
        assert service.connections == 1
    assert all(record["t_ns"] - records[0]["t_ns"] >= 50 * MS * at for at, record in enumerate(records[:-1]))


def test_intervals_are_dealt_out() -> None:
    """Of two workers each takes every second interval, the second one from the second on."""
    with Service(answering(OK_PAGE)) as service:
        records = dealt_out(service.port, 100 * MS, least=3, of=2)
    # The first one of each is that at the beginning of the block.
    waited = [[record["t_ns"] - found[0]["t_ns"] for record in found[1:3]] for found in records]
    assert np.all(np.array(waited) >= np.array([[100, 300], [200, 400]]) * MS)


def test_it_is_asked_as_requests_are() -> None:
    """The headers are those of the service's requests, over one connection that stays open."""
    seen: list[bytes] = []

    def handler(connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            seen.append(request)
            connection.sendall(OK_PAGE)

    with Service(handler) as service:
        take(service.port, headers={"Authorization": "Bearer k", "X-A": "b"})
    assert len(seen) == 2
    lines = seen[0].split(b"\r\n")
    assert lines[0] == b"GET /base/metrics HTTP/1.1"
    assert {b"Authorization: Bearer k", b"X-A: b", b"Accept: text/plain"} <= set(lines)


def test_over_tls() -> None:
    """The certificate is checked as the requests' is: a trusted one's page is read, another refused."""
    with secure(answering(OK_PAGE)) as service:
        refused = take(service.port, tls=usual("127.0.0.1"))
        trusted = take(service.port, tls=trusting())
    assert all("certificate verify failed" in record["error"] for record in refused)
    assert [scrape_of(record).value("preemptions") for record in trusted] == [7, 7]


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (answering(document(b"", status="404 Not Found")), "HTTP status 404"),
        (answering(document(b"", status="307 Moved")), "HTTP status 307"),
        (answering(document(b"tgi_queue_size x\n")), "could not convert"),
        (answering_once(b"", finish), "disconnected"),
        (answering_once(OK_PAGE[:-9], finish), "payload"),
    ],
)
def test_failures_are_recorded(handler: Handler, words: str) -> None:
    """Whatever goes wrong becomes a record that says so, and nothing is raised."""
    with Service(handler) as service:
        records = take(service.port)
    assert len(records) == 2
    assert all(words in record["error"] for record in records)
    assert [scrape_of(record).series for record in records] == [(), ()]


def test_nobody_listens() -> None:
    """A service that is not there is a record too."""
    assert all("Cannot connect" in record["error"] for record in take(closed_port()))


def test_a_page_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that does not come in time is given up."""
    monkeypatch.setattr(scrape, "TIMEOUT_S", 0.2)
    with Service(lambda connection, _: stall(connection)) as service:
        records = take(service.port)
    assert [record["error"] for record in records] == ["no answer within 0.2 s"] * 2


def test_a_page_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page beyond all measure is given up."""
    monkeypatch.setattr(scrape, "MAX_BYTES", 1000)
    with Service(answering(OK_PAGE)) as service:
        records = take(service.port)
    assert [record["error"] for record in records] == ["the page is longer than 1000 bytes"] * 2


def test_keys_are_hidden() -> None:
    """What is recorded has gone through the taking out of keys, be it a page or an error."""
    leaking = PAGE.replace(b"org/m", b"sk-secret")
    with Service(answering(document(leaking, "text/plain"))) as service:
        records = take(service.port, hide=lambda text: text.replace(b"sk-secret", b"<hidden>"))
    text = str(records)
    assert "sk-secret" not in text
    assert "<hidden>" in text


def test_no_scrape_after_a_failure() -> None:
    """A block that raises is not held up by a last look."""
    records: list[dict[str, Any]] = []

    async def run(port: int) -> None:
        async with scraping(Endpoint("http", "127.0.0.1", port, ""), {}, bytes, records.append, 100_000_000):
            raise RuntimeError("broken")

    with Service(answering(OK_PAGE)) as service, pytest.raises(RuntimeError, match="broken"):
        asyncio.run(run(service.port))
    assert len(records) == 1


def test_a_record_that_is_none() -> None:
    """A block of another shape is a failed scrape; keys that are not known are ignored; a clock's shift is added."""
    assert scrape_of({"t_ns": "soon"}).error is not None
    assert [scrape_of({"t_ns": 5}, shift).t_ns for shift in (0, 3)] == [5, 8]
    assert scrape_of({**spec_record(5, 1, 2, 3), "later": 1}).series[0] == Series(
        "vllm:spec_decode_num_drafts_total", {"model_name": "m"}, 1.0
    )
