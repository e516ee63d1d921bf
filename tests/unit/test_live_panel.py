"""One task on the whole of a screen."""

import re

import pytest
from every import every
from snapshots import S, busy_task, drowning_task, guide_task, waiting_task

from fastbench.live import Snapshot, Status
from fastbench.live.files import History, Spread
from fastbench.live.panel import panel

KEYS = "Ctrl-C stops"
DOTS = re.compile("[\u2801-\u28ff]+")


def shown(snapshot: Snapshot, width: int = 120, height: int = 40, **more: bool) -> list[str]:
    return [line.plain.rstrip() for line in panel(snapshot, width, height, keys=KEYS, **more)]


def row(lines: list[str], label: str) -> str:
    """The line of a figure, without blanks in a row and without its graph."""
    (found,) = [line for line in lines if line.startswith(f" {label} ")]
    return " ".join(DOTS.sub("", found).split())


def test_head() -> None:
    """What meets what, under what load, where, and how far it is, stand on one line where there is room."""
    head, progress, *_ = shown(busy_task())
    assert re.sub(" +", " ", head) == (
        " vllm-api-stream-chat/demo_gsm8k closed loop, 64 in flight http://10.0.0.7:8000/v1/chat/completions measuring"
    )
    assert re.fullmatch(r" ━+─+  1,036 of 2,000 · 0:37 · about 1:02 left", progress)
    narrow = shown(busy_task(), 60, 24)
    assert narrow[0].split() == ["vllm-api-stream-chat/demo_gsm8k", "measuring"]
    assert narrow[1].strip().startswith("closed loop, 64 in flight   http://10.0.0.7:8000/v1")


def test_figures() -> None:
    """Each figure has its value, what is noted of it, and a graph with its least value and its greatest."""
    lines = shown(busy_task(), 120, 22)
    assert row(lines, "answered/s") == "answered/s 12.4 12"
    assert row(lines, "in flight") == "in flight 64 64"
    assert row(lines, "output tok/s") == "output tok/s 3,167 3,200"
    assert row(lines, "TTFT median") == "TTFT median 201 ms 300 ms"
    at = next(place for place, line in enumerate(lines) if line.startswith(" TTFT median"))
    assert lines[at + 1].startswith("   p90 310 ms  p99 1.23 s ")
    assert lines[at + 2].endswith(" 150 ms")
    assert "40/s per user decoding" in "\n".join(lines)
    assert len([line for line in lines if DOTS.search(line)]) > 5


def test_what_is_in_flight() -> None:
    """Of what is in flight it tells how much decodes and how much waits, unless replies come whole."""
    spread = Spread(p50_ns=10_000_000, p90_ns=10_000_000, p99_ns=10_000_000, count=9)
    streamed = busy_task(itl=spread, answering=62)
    assert "62 decoding · 2 waiting" in "\n".join(shown(streamed, 80, 24))
    assert "waiting" not in "\n".join(shown(busy_task(itl=None), 80, 24))


def test_a_graph_of_one_line_has_both_ends_beside_it() -> None:
    """Where graphs have one line each, the least value and the greatest stand behind them, and then the note."""
    lines = shown(busy_task(), 120, 12)
    assert row(lines, "TTFT median") == "TTFT median 201 ms 150 ms to 300 ms p90 310 ms p99 1.23 s"


def test_graphs_use_the_screen() -> None:
    """A wide and high screen has wide and high graphs."""
    small, large = (
        [len(found[0]) for line in shown(busy_task(), *size) if (found := DOTS.search(line))]
        for size in ((80, 24), (200, 50))
    )
    assert max(small) == 80 - 27 - 9
    assert max(large) == 200 - 27 - 9
    assert len(large) > 2 * len(small) > 8


def test_verdicts_so_far() -> None:
    """The client's lag with its limit and the failures in per cent are there; without failures it is 0 %."""
    lines = shown(busy_task())
    assert row(lines, "measurement").startswith(
        "measurement ✓ sound so far: send lag 450 µs, read lag 12.3 µs (limit 2.01 ms)"
    )
    assert row(lines, "failed") == "failed ! 36 of 1,036 (3.5 %): 32 timeout · 4 http error"
    assert row(shown(busy_task(failed=0)), "failed") == "failed 0 of 1,000 (0 %)"
    assert row(shown(busy_task(failed=0, ok=0)), "failed") == "failed 0 of 0"


@pytest.mark.parametrize("which", ["late_p99_ns", "lag_p99_ns"])
def test_a_slow_client(which: str) -> None:
    """A client that is later than the report's verdict bears is told, whichever of its lags it is."""
    line = row(shown(busy_task(**{which: 3_000_000}), 80), "measurement")
    name = {"late_p99_ns": "send", "lag_p99_ns": "read"}[which]
    assert line == f"measurement ! client too slow: {name} lag 3.00 ms (limit 2.01 ms), 2 stalls"


def test_the_limit_is_the_verdicts() -> None:
    """A client may be 1 ms late, or 1 % of a median TTFT above 100 ms."""
    quick = Spread(p50_ns=10_000_000, p90_ns=10_000_000, p99_ns=10_000_000, count=9)
    assert "! client too slow" in row(shown(busy_task(late_p99_ns=1_500_000, ttft=quick)), "measurement")
    assert "✓ sound so far" in row(shown(busy_task(late_p99_ns=1_500_000)), "measurement")


def test_an_overloaded_service() -> None:
    """What is asked stands beside what is answered, on one scale, and since when the queue has grown how fast."""
    lines = shown(drowning_task(), 120, 30)
    assert row(lines, "asked/s").startswith("asked/s 40 12")
    assert row(lines, "answered/s").startswith("answered/s 11.4 12")
    assert "28.5 % of what is asked" in "\n".join(lines)
    assert "▲ growing 28.6/s" in "\n".join(lines)
    assert "279 in flight" in "\n".join(shown(drowning_task(), 80, 24))
    assert row(lines, "service") == ("service ! overloaded since 0:07: 11.4 of 40/s answered, 279 in flight")


def test_a_service_that_keeps_up() -> None:
    """An open loop of whose requests 95 % are answered keeps up so far; of fewer it is not clear yet."""
    good = drowning_task(growing_per_s=None, overloaded_ns=None, requests_per_s=39.0)
    assert row(shown(good), "service") == "service ✓ keeps up so far: 39/s answered of 40/s asked"
    unclear = drowning_task(growing_per_s=None, overloaded_ns=None, requests_per_s=30.0)
    assert row(shown(unclear), "service") == "service · not clear yet: 30/s answered of 40/s asked"
    assert not [line for line in shown(busy_task()) if line.startswith(" service")], "a closed loop asks for no rate"


def test_only_answers_are_waited_for() -> None:
    """Once all requests of an open loop have gone out, that is said; the queue is told until it is worked off."""
    task = drowning_task(sent=2000, growing_per_s=None, asked_per_s=0.0)
    assert "1,000 of 2,000, all sent · " in shown(task)[1]
    assert row(shown(task), "service") == "service ! overloaded since 0:07: 11.4/s answered, 279 in flight"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (1, " Stopping: waiting for the 64 in flight; Ctrl-C again stops at once"),
        (2, " Stopping now"),
        (3, " Stopping now"),
    ],
)
def test_stopping(asked: int, says: str) -> None:
    """That Ctrl-C was heard stands right below the progress, at every size, and what a second one would do."""
    for height in (4, 24, 50):
        lines = shown(busy_task(stopping=asked), 80, height)
        assert says in lines[2:4]
        assert "left" not in lines[1]


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.NOT_START, "waiting to begin"),
        (Status.WARMUP, "warm-up"),
        (Status.WRITE_CACHE, "computing the report"),
        (Status.ERROR, "failed: see the log"),
        (Status.FINISH, "finished"),
    ],
)
def test_how_far_it_is(status: Status, word: str) -> None:
    """How far a task is stands at the right of the first line, in a word; that the screen stands still, too."""
    assert shown(busy_task(status=status), 80)[0].endswith(word)
    assert shown(busy_task(status=status), 80, paused=True)[0].endswith("PAUSED")


def test_timed() -> None:
    """Where only the time is planned, the progress is that of the time."""
    assert " 37 of 60 s · 0:37 · " in shown(busy_task(planned=None, duration_ns=60 * S))[1]
    assert shown(busy_task(planned=None))[1].strip().startswith("1,036 · 0:37 · ")


def test_events_where_nobody_counts_tokens() -> None:
    """Without counts of tokens the events that carry them are shown, and no user's speed."""
    lines = shown(busy_task(tokens_per_event=None))
    assert row(lines, "output ev/s") == "output ev/s 1,584 1,600"
    assert "per user" not in "\n".join(lines)


def test_where_the_log_is() -> None:
    """The last line has the keys and the log; with --debug it is the terminal."""
    assert shown(guide_task())[-1] == " Ctrl-C stops · log logs/infer/vllm-api-stream-chat/demo_gsm8k.out"
    assert shown(guide_task(log=""))[-1] == " Ctrl-C stops · log on the terminal"


@every("width", [1, 20, 40, 60, 80, 120, 200])
@every("height", [1, 2, 5, 7, 12, 16, 24, 50])
def test_every_size(width: int, height: int) -> None:
    """No line is wider than the screen, and there are never more lines than it has."""
    for snapshot in (busy_task(), drowning_task(stopping=1, failed=3), waiting_task(), busy_task(history=History())):
        lines = panel(snapshot, width, height, keys=KEYS)
        assert len(lines) <= height
        assert max((line.width for line in lines), default=0) <= width


def test_a_low_screen_keeps_what_matters_most() -> None:
    """What is wrong stays longest, then how long users wait and what is asked and answered."""
    lines = shown(drowning_task(), 80, 6)
    assert [line.split()[0] for line in lines[2:]] == ["asked/s", "answered/s", "TTFT", "service"]


def test_narrow_screens_have_the_figures_alone() -> None:
    """On 40 columns the numbers are all there, and nothing is drawn beside them."""
    text = "\n".join(shown(busy_task(), 40))
    assert "201 ms" in text
    assert "! 36 of 1,036 (3.5 %)" in text
    assert not DOTS.search(text)
