"""The report page as a file."""

import base64
import gzip
import json
import re
from pathlib import Path

import msgspec
import pytest
from recordings import MS, Request, header_of, record

from fastbench.metrics import compute_for_page
from fastbench.recording import Recording
from fastbench.report import Task, answer_of, index_page
from fastbench.report.answer import Level, Statement
from fastbench.report.page.page import page

HOSTILE = '</script><img src=x onerror="alert(1)">'


def page_of(directory: Path, requests: list[Request], task: str = "m/d", **header: object) -> str:
    """The page of a recording of these requests."""
    recording = Recording.open(record(directory, requests, header=header_of(**header)))
    computed = compute_for_page(recording, ("Average", "P99"))
    return page(recording, computed, answer_of(computed, task)).decode()


def data_of(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def figures_of(text: str) -> list[str]:
    return re.findall(r'class=plot id="(\w+)"', text)


def test_a_page_needs_no_other_file(tmp_path: Path) -> None:
    """The page names no script, style or picture outside of itself, and forbids the browser to fetch any."""
    text = page_of(tmp_path / "r", [Request(0)])
    assert re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=", text.split("<script>")[0]) == []
    assert "default-src 'none'" in text
    (packed,) = re.findall(r'<script type="application/gzip" id="plotly">(.*?)</script>', text)
    assert b"plotly.js" in gzip.decompress(base64.b64decode(packed))[:100]


def test_the_tables_stand_in_the_page(tmp_path: Path) -> None:
    """Verdict, both tables, trust and the mark of too few samples can be read without scripts."""
    text = page_of(tmp_path / "r", [Request(0), Request(1)])
    for cell in (
        ">✓ Measurement valid<",
        ">Benchmark Duration<",
        '<td title="141.0000 ms">141 ms</td>',
        '<td title="141.0000 ms *">141 ms *</td>',
        ">Peak Concurrency<",
    ):
        assert cell in text
    assert "Too few samples for this percentile" in text


def test_what_others_wrote_stays_text(tmp_path: Path) -> None:
    """Neither a task's name nor a service's message can bring a script into the page."""
    failed = Request(1, token_ns=(), outcome="http_error", status=500, message=HOSTILE.encode())
    text = page_of(tmp_path / "r", [Request(0), failed], task=HOSTILE)
    assert HOSTILE not in text
    assert "&lt;/script&gt;&lt;img" in text
    assert data_of(text)["runs"][0]["name"] == HOSTILE


def test_a_stream_has_every_chart(tmp_path: Path) -> None:
    """Charts of a stream with client states; the service's own metrics only where they were asked for."""
    directory = record(tmp_path / "r", [Request(0)], health=[{"t_ns": 1_200 * MS, "lag": [[10, 1]]}] * 2)
    recording = Recording.open(directory)
    computed = compute_for_page(recording, ("Average",))
    text = page(recording, computed, answer_of(computed, "m/d")).decode()
    assert figures_of(text) == ["timeline", "curves", "latency", "input", "rates", "client"]


def test_without_a_stream_only_concurrency_and_e2el(tmp_path: Path) -> None:
    """A run without streams has no timeline of first tokens, and of the latencies only E2EL."""
    text = page_of(tmp_path / "r", [Request(0, flags=("kernel",))], service={"stream": False})
    data = data_of(text)
    assert figures_of(text) == ["timeline", "curves", "latency", "rates"]
    assert list(data["runs"][0]["curves"]) == ["E2EL"]
    assert "<option>E2EL</option>" in text
    assert "TTFT" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_a_run_without_requests_has_a_page(tmp_path: Path) -> None:
    """Where nothing was sent the page has its tables and no chart."""
    text = page_of(tmp_path / "r", [])
    assert figures_of(text) == []
    assert list(data_of(text)) == ["markdown"]
    assert "No request was sent." in text
    assert ">Total Requests<" in text


def test_failures_alone_have_a_page(tmp_path: Path) -> None:
    """A run in which everything failed is drawn without percentiles."""
    text = page_of(tmp_path / "r", [Request(0, token_ns=(), outcome="timeout")])
    assert "curves" not in figures_of(text)
    assert ">timeout<" in text


def test_the_answer_needs_no_script(tmp_path: Path) -> None:
    """What was run, the sentence, verdicts, cards and the first chart stand in the page as text and SVG."""
    text = page_of(tmp_path / "r", [Request(0), Request(1)])
    fold = text[text.index("<div id=fold>") : text.index("<section class=figure")]
    assert "<h1 class=sentence>" in fold
    assert '<a class="pill good" href="#failures">✓ 2 of 2 OK</a>' in fold
    assert re.findall(r'<span class=what><abbr title="[^"]+"><a href="#term-[\w-]+">(\w+)</a>', fold) == [
        *("TTFT", "TPOT", "E2EL", "Output", "Requests")
    ]
    assert "Did it keep up, and what did users feel?" in fold
    assert "script" not in fold


def test_each_link_has_its_place(tmp_path: Path) -> None:
    """Whatever a page leads to within itself, such as a metric's definition, is there, and only once."""
    failed = Request(1, token_ns=(), outcome="http_error", status=500)
    for number, requests in enumerate(([Request(0)], [Request(0), failed], [failed], [])):
        text = page_of(tmp_path / f"r{number}", requests)
        places = re.findall(r' id="?([\w-]+)', text)
        assert set(re.findall(r'href="#([^"]+)"', text)) <= set(places)
        assert len(places) == len(set(places))


@pytest.mark.parametrize("count", [1, 2, 40])
def test_a_recording_of_any_size_is_drawn(tmp_path: Path, count: int) -> None:
    """Whatever a run has, with a stream and without, no figure of its page is without a finite place."""
    requests = [Request(k, sent_ns=(1_000 + 3 * k) * MS, end_ns=(1_141 + 3 * k) * MS) for k in range(count)]
    for stream in (True, False):
        text = page_of(tmp_path / f"r{stream}", requests, service={"stream": stream})
        fold = text[: text.index('<script type="application/json"')]
        assert not re.search(r"\b(nan|inf|NaN|None)\b", re.sub(r"<style>.*?</style>", "", fold, flags=re.DOTALL))


def test_the_stable_stage_is_marked(tmp_path: Path) -> None:
    """A run that has a stable stage marks it, also where the whole run is reported."""
    requests = [
        Request(number, sent_ns=(1_000 + 50 * number) * MS, token_ns=((1_010 + 50 * number) * MS,), end_ns=end * MS)
        for number, end in enumerate((1_100, 1_150, 1_200, 1_250))
    ]
    window = data_of(page_of(tmp_path / "r", requests, load={"concurrency": 2}))["window"]
    assert window["name"] == "stable"
    assert (window["begin"], window["end"]) == (pytest.approx(0.1), pytest.approx(0.2))


def test_a_page_is_the_same_twice(tmp_path: Path) -> None:
    """The same recording gives the same bytes."""
    recording = Recording.open(record(tmp_path / "r", [Request(0), Request(1)]))
    computed = compute_for_page(recording, ("Average",))
    first, second = (page(recording, computed, answer_of(computed, "m/d")) for _ in range(2))
    assert first == second


def test_the_numbers_at_the_top_are_marked(tmp_path: Path) -> None:
    """A percentile of too few samples is no number at the top of the page, which says how many it needs."""
    text = page_of(tmp_path / "r", [Request(0), Request(1)])
    assert text.count("<small>P90 needs 44 requests · P99 needs 459 requests</small>") == 3
    assert re.search(r"<p class=note>\* Too few samples .* P99 459\.", text)


def test_several_tasks_have_one_page(tmp_path: Path) -> None:
    """Models by data sets: a cell for each task, which leads to its page; a hole stays one."""
    tasks = []
    for name in ("a/x", "a/y", "b/x"):
        recording = Recording.open(record(tmp_path / name.replace("/", "-"), [Request(0), Request(1)]))
        found = answer_of(compute_for_page(recording, ("Median", "P90")), name)
        tasks.append(
            Task(msgspec.structs.replace(found, subject=msgspec.structs.replace(found.subject, dataset="")), name)
        )
    text = index_page("run", tasks).decode()
    assert re.findall(r'<a class=cell href="([^"]+)"', text) == ["a/x", "a/y", "b/x"]
    assert re.findall(r"class=(?:across|down)>(\w)<", text) == ["x", "y", "a", "b"]
    assert text.count('<dt title="median TTFT">TTFT</dt><dd><b>100 ms</b></dd>') == 3
    assert "Output tokens/s of all users, against those of one" in text


def test_the_best_of_several_tasks_is_one_to_be_trusted(tmp_path: Path) -> None:
    """A task whose measurement is not to be trusted is the fastest of none, also where it has the best numbers."""
    tasks = []
    for name, scale in (("fast/x", 1), ("slow/x", 2), ("slower/x", 3)):
        slowed = Request(0, token_ns=(100 * scale * MS, 140 * scale * MS), end_ns=150 * scale * MS)
        recording = Recording.open(record(tmp_path / name.replace("/", "-"), [slowed]))
        tasks.append(Task(answer_of(compute_for_page(recording, ("Average", "P90")), name), name))
    assert "Fastest first token: fast/x with" in index_page("run", tasks).decode()
    doubted = msgspec.structs.replace(tasks[0].answer, measurement=Statement(Level.BAD, "not to be trusted"))
    text = index_page("run", [tasks[0]._replace(answer=doubted), *tasks[1:]]).decode()
    assert "Of those that kept up and can be trusted: fastest first token: slow/x with" in text
    assert "per user while decoding: slow/x," in text
