"""The summary on the screen: at most 80 columns, as high as the terminal if that can be, with nothing that matters left
out."""

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_fields
from recordings import MS, Request
from test_report_answer import CLOSED, answer, open_loop, queued, streams

from fastbench.metrics.samples import Histogram
from fastbench.report import STRIP_BINS, Finished, Level, Statement, Style, plain, strip, summarize, text_of
from fastbench.report.screen.summary import HEIGHT, WIDTH
from fastbench.text import columns, shortened
from fastbench.units import MISSING

AGAIN = "fastbench recalc outputs/default/20261128_100000 --tables"
PAGE = Path("outputs/default/20261128_100000/performances/llama/chat_plot.html")


def late_and_failed(path: Path) -> Finished:
    """An open loop with all that can be wrong: overloaded, sent late, a fifth failed for four reasons."""
    ends = ("ok", "ok", "http_error", "ok", "truncated", "ok", "timeout", "ok", "ok", "empty")
    made = [
        replace(
            one,
            intended_ns=one.sent_ns - k % 3 * 200 * MS,
            outcome=ends[k % 10],
            status=503 if ends[k % 10] == "http_error" else 200,
        )
        for k, one in enumerate(queued(40, 20, 8))
    ]
    return Finished(answer(path, made, load=open_loop(40)), PAGE, "see the service's own log", "no space is left")


def lines_of(task: Finished, again: str | None = AGAIN, width: int = WIDTH) -> list[str]:
    return [text_of(line) for line in summarize([task], again, width)]


def kinds(path: Path) -> dict[str, Finished]:
    """Recordings of all kinds."""
    bad = [Request(k, outcome="http_error", status=503, token_ns=()) for k in range(40)]
    many = {"load": open_loop(20)}
    return {
        "closed": Finished(answer(path / "closed", streams(1_000), load=CLOSED), PAGE),
        "overloaded": Finished(answer(path / "over", queued(20, 30, 5), **many), PAGE),
        "one": Finished(answer(path / "one", streams(1), load=CLOSED), PAGE),
        "failed": Finished(answer(path / "bad", bad, load=CLOSED), PAGE, "check url and model"),
        "unstreamed": Finished(answer(path / "whole", [replace(one, token_ns=()) for one in streams(40)], load=CLOSED)),
        "everything wrong": late_and_failed(path / "wrong"),
    }


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    return kinds(tmp_path_factory.mktemp("kinds"))


@pytest.mark.parametrize("kind", ["closed", "overloaded", "one", "failed", "unstreamed", "everything wrong"])
def test_it_fits(tasks: dict[str, Finished], kind: str) -> None:
    """Whatever a run came to, its summary fits into a terminal of 24 lines, with both verdicts and the command."""
    lines = lines_of(tasks[kind])
    assert len(lines) <= HEIGHT
    assert max(map(columns, lines)) <= WIDTH
    assert any("MEASUREMENT" in line for line in lines)
    assert lines[-1].startswith(f"  tables  {AGAIN}")


def test_a_closed_loop(tasks: dict[str, Finished]) -> None:
    """Load, verdicts, rates and latencies with three digits, page and command, line by line."""
    found = lines_of(tasks["closed"])
    assert found[0] == "llama/chat  model m at 127.0.0.1:8000"
    assert found[1] == "1,000 requests in 62.5 s · 4 in flight (closed loop)"
    assert found[2] == "prompts 10, replies 11 tokens"
    found = [line for line in found if line]
    assert found[3] == "  ✔ MEASUREMENT VALID   slots stood empty for 0 % of the time (limit 1.0 %)"
    assert found[4] == "                        the time of every gap is sure"
    assert found[5] == "  ✔ 1,000 of 1,000 OK"
    assert found[6] == "  16 requests/s   176 output tokens/s   50 tokens/s per user while decoding"
    assert found[7].split() == ["median", "P90", "P99", "max"]
    assert found[8] == "  TTFT first token        50.0 ms  50.0 ms  50.0 ms  50.0 ms"
    assert [line.split()[0] for line in found[8:12]] == ["TTFT", "TPOT", "ITL", "E2EL"]
    assert found[12] == f"  page    {PAGE}"


def test_an_overload(tasks: dict[str, Finished]) -> None:
    """The overload stands first, with what was asked and answered, and says what the latencies are then."""
    lines = lines_of(tasks["overloaded"])
    assert lines[1] == "600 requests sent at 20 requests/s (open loop) in 29.9 s"
    (line,) = (line for line in lines if "SERVICE" in line)
    assert line.startswith("  ! SERVICE OVERLOADED  asked 20/s, answered 5/s")
    text = " ".join(lines)
    assert "in flight grew to 451, 451 waiting for a first token" in text
    assert "latencies are those of a growing queue" in text


def test_too_few_requests(tasks: dict[str, Finished]) -> None:
    """Of one request there is the middle and the most, and for the other percentiles how many they need."""
    lines = lines_of(tasks["one"])
    (row,) = (line for line in lines if line.startswith("  E2EL"))
    assert row.split()[3:] == ["250", "ms", MISSING, MISSING, "250", "ms"]
    assert f"  {MISSING} too few requests: P90 needs 44, P99 needs 459 (ITL counts requests, too)" in lines


def test_failures_alone(tasks: dict[str, Finished]) -> None:
    """Where nothing succeeded there are the reasons and what to do, and no empty table."""
    lines = lines_of(tasks["failed"])
    assert "  ✘ all 40 failed       40 HTTP 503" in lines
    assert any(line.strip() == "check url and model" for line in lines)
    assert not any("median" in line or "requests/s" in line for line in lines)


def test_without_streams(tasks: dict[str, Finished]) -> None:
    """Without streams there is the length of requests alone, and no tokens/s of a user."""
    text = plain(summarize([tasks["unstreamed"]]))
    assert "E2EL whole request" in text
    assert "TTFT" not in text
    assert "per user" not in text


def test_an_invalid_measurement_has_its_remedy(tasks: dict[str, Finished]) -> None:
    """Where everything is wrong at once each effect stands there with its cause and remedy, and what failed, however
    low the terminal is."""
    task = tasks["everything wrong"]
    lines = [text_of(line) for line in summarize([task], AGAIN, height=5)]
    assert "  ✘ MEASUREMENT INVALID: not to be trusted" in lines
    text = " ".join(" ".join(lines).split())
    for told in (*task.answer.measurement.clauses, *task.answer.measurement.remedies):
        assert told in text
    assert "failed (40.0 %)" in text
    assert "no space is left" in text


@pytest.mark.parametrize("height", [5, 24, 60])
def test_other_heights(tasks: dict[str, Finished], height: int) -> None:
    """However low the terminal is, each latency has its row, and each mark in it its meaning; a high one has blank
    lines."""
    for task in tasks.values():
        lines = [text_of(line) for line in summarize([task], AGAIN, height=height)]
        rows = [line for line in lines if line.split()[:1] and line.split()[0] in {"TTFT", "TPOT", "ITL", "E2EL"}]
        assert [row.split()[0] for row in rows] == [one.name for one in task.answer.latencies]
        for mark in (MISSING, "~"):
            marked = any(mark in row[24:60] for row in rows)
            assert any(line.startswith(f"  {mark} ") for line in lines) == marked
        assert height < 60 or "" in lines


def test_an_slo_is_whole(tasks: dict[str, Finished]) -> None:
    """However low the terminal is, an SLO that cannot be told has what was seen, why, and the way out."""
    why = "too short to tell, as it takes 6 blocks: send for 14 s or longer"
    slo = Statement(Level.NOTICE, "SLO: cannot tell", ("0 of 200 good (0 %)", "first to break: ttft<1ms 200", why))
    answer = replace_fields(tasks["everything wrong"].answer, promises=(slo,))
    lines = [text_of(line) for line in summarize([Finished(answer)], AGAIN, height=5)]
    assert "  ! SLO: cannot tell    0 of 200 good (0 %) · first to break: ttft<1ms 200" in lines
    assert why in " ".join(" ".join(lines).split())


@pytest.mark.parametrize("width", [40, 60, 79, 80, 200])
def test_other_widths(tasks: dict[str, Finished], width: int) -> None:
    """A narrow terminal gets no line that is too long but for paths and commands; a wide one gets no more than 80."""
    for task in tasks.values():
        for line in lines_of(task, width=width):
            whole = line.startswith(("outputs/", "fastbench recalc"))
            assert whole or columns(line) <= min(width, WIDTH)


def test_a_long_path(tasks: dict[str, Finished]) -> None:
    """A path that is too long stays whole, to be copied; where it is a link it is cut, and leads to the same file."""
    page = Path("outputs/default/20261128_100000/performances/a-model-with-a-long-name/chat_plot.html")
    task = tasks["closed"]._replace(page=page)
    assert str(page) in lines_of(task)
    (part,) = (part for line in summarize([task], linked=True) for part in line if part.link is not None)
    assert part.link == page
    assert part.text.startswith("outputs/default/20261128_100000/")
    assert part.text.endswith("/…/chat_plot.html")
    assert len(part.text) == WIDTH - 10


def test_several_tasks(tasks: dict[str, Finished]) -> None:
    """Of several tasks there is a row each, then what is wrong, with why it is INVALID whole, then page and tables."""
    names = ("closed", "overloaded", "everything wrong")
    lines = [text_of(line) for line in summarize([tasks[name] for name in names], AGAIN)]
    assert lines[0] == "3 tasks"
    assert lines[1].split()[:4] == ["task", "valid", "service", "ok"]
    assert lines[2].split()[:3] == ["llama/chat", "yes", "1,000"]
    assert lines[3].split()[:3] == ["llama/chat", "yes", "overloaded"]
    assert lines[4].split()[:3] == ["llama/chat", "NO", "overloaded"]
    assert any(line.startswith("  ! llama/chat: service overloaded: asked 20/s, answered 5") for line in lines)
    assert any("failed (40.0 %)" in line for line in lines)
    text = " ".join(" ".join(lines).split())
    invalid = tasks["everything wrong"].answer.measurement
    assert f"✘ llama/chat: INVALID: {invalid.clauses[0]}, because {invalid.remedies[0]}." in text
    assert lines[-2] == "  pages   outputs/default/20261128_100000/performances/*/*_plot.html"
    assert max(map(columns, lines)) <= WIDTH


def test_colours_are_of_verdicts(tasks: dict[str, Finished]) -> None:
    """Green, yellow and red stand for verdicts and outcomes alone, and red for what is not to be trusted."""
    styled = {part.text.strip(): part.style for line in summarize([tasks["everything wrong"]]) for part in line}
    assert styled["✘ MEASUREMENT INVALID: not to be trusted"] == Style.BAD
    coloured = {text for text, style in styled.items() if style in {Style.GOOD, Style.NOTICE, Style.BAD}}
    assert all(text.startswith(("✘", "!", "✔", "no space")) for text in coloured)


def test_bars() -> None:
    """The highest bin is a whole bar, any other that has something at least an eighth, an empty one none."""
    counts = [0] * STRIP_BINS
    counts[0], counts[3], counts[-1] = 800, 1, 400
    assert strip(Histogram(0, 1, tuple(counts))) == f"█▁{' ' * 13}▄"
    assert strip(Histogram(1, 1, (5,))) == ""
    assert strip(None) == ""


def test_wide_characters_count_twice() -> None:
    """What is cut ends with an ellipsis, and fits by columns of the terminal."""
    assert shortened("模型模型", 8) == "模型模型"
    assert shortened("模型模型", 7) == "模型模…"
    assert shortened("abcdef", 4) == "abc…"
