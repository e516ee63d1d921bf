"""The whole screen at several sizes, and the progress line by line."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from every import every
from snapshots import GONE, S, busy_task, drowning_task, guide_task, waiting_task

from fastbench.live import Snapshot, Status, follow, view
from fastbench.live.files import write
from fastbench.live.view import Viewport, page_shown, pages, rows_of_page, screen, task_at_hand, told

NOW = 1762425281.0


STAMP = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] \[fastbench\] \[INFO\] ")


def viewport(width: int = 120, height: int = 40, **more: bool | int | None) -> Viewport:
    return Viewport(width, height, "outputs/default/20251106_103326", NOW)._replace(**more)


def lines(snapshots: Sequence[Snapshot], how: Viewport) -> list[str]:
    return [line.plain for line in screen(snapshots, how)]


def many(count: int, active: int = 0) -> list[Snapshot]:
    """Tasks of which one is being carried out."""
    return [
        busy_task(task=f"m/{place}", place=place) if place == active else waiting_task(f"m/{place}", place)
        for place in range(count)
    ]


def test_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the table stand the guide's lines."""
    monkeypatch.setenv("TZ", "UTC-8")
    base, updated, page, keys, empty, *_ = lines([guide_task(), waiting_task()], viewport())
    assert base == "Base path of result&log : outputs/default/20251106_103326"
    assert updated.startswith("Task Progress Table (Updated at: 2025-11-06 ")
    assert page == "Page: 1/1  Total 2 rows of data"
    assert keys == "Press Up/Down arrow to page,  'P' to PAUSE/RESUME screen refresh, 'Ctrl + C' to exit"
    assert empty == ""


def test_one_task_takes_the_whole_screen() -> None:
    """A task alone has no table and no header; its last line says what the keys do."""
    shown = lines([busy_task()], viewport(100, 30))
    assert len(shown) == 30
    assert shown[0].startswith(" vllm-api-stream-chat/demo_gsm8k   closed loop, 64 in flight ")
    assert shown[-1].startswith(" Ctrl-C stops · p pauses · log ")
    assert "Task Name" not in "\n".join(shown)
    assert lines([busy_task()], viewport(watching=True))[-1].startswith(" Ctrl-C leaves, the run goes on")


def test_classic() -> None:
    """With --classic the guide's header and table are there for one task too, above its lines."""
    shown = lines([busy_task()], viewport(120, 40, classic=True))
    assert shown[:2] == lines([busy_task()] * 2, viewport())[:2]
    assert shown[2] == "Page: 1/1  Total 1 rows of data"
    assert sum(line.startswith("| vllm-api") for line in shown) == 1
    assert any(line.startswith(" TTFT median ") for line in shown)


def test_several_tasks() -> None:
    """Below the table of several stands all that there is to know of the one at hand."""
    shown = lines([busy_task(), waiting_task()], viewport())
    assert sum(line.startswith("| ") for line in shown) == 3
    wanted = ["answered/s", "in flight", "TTFT median", "measurement", "failed"]
    assert [label for line in shown if (label := line.split("  ")[0].strip()) in wanted] == wanted


@every("width", [40, 60, 80, 120, 210])
@every("height", [5, 12, 24, 50])
def test_every_size(width: int, height: int) -> None:
    """No line is wider than the screen, and there are never more lines than it has."""
    for snapshots in (many(1), many(7), many(40, active=25), [waiting_task()]):
        shown = screen(snapshots, viewport(width, height))
        assert len(shown) <= height
        assert max(line.width for line in shown) <= width


def test_pages() -> None:
    """A page has as many tasks as there is room for; together the pages have each once."""
    assert rows_of_page(3, 40) == 3
    assert rows_of_page(100, 40) == 16
    assert pages(100, 40) == 7
    assert (rows_of_page(12, 24), pages(12, 24)) == (7, 2)
    assert (rows_of_page(3, 10), pages(3, 10)) == (1, 3)
    seen = [
        line.split()[1]
        for page in range(7)
        for line in lines(many(100), viewport(page=page))
        if line.startswith("| m/")
    ]
    assert seen == [f"m/{place}" for place in range(100)]


def test_the_page_follows_the_task_at_hand() -> None:
    """Unless a page is asked for it is that of the task being carried out; there is none beyond the last."""
    tasks = many(40, active=25)
    assert page_shown(tasks, viewport()) == 1
    assert "m/25" in "\n".join(lines(tasks, viewport()))
    assert page_shown(tasks, viewport(page=0)) == 0
    assert page_shown(tasks, viewport(page=99)) == 2


def test_a_small_screen_has_several_tasks() -> None:
    """On 80 x 24 seven of twelve tasks stand above what matters most of the one at hand, and that Ctrl-C was heard."""
    tasks = [busy_task(task="m/0", stopping=1), *many(12)[1:]]
    shown = lines(tasks, viewport(80, 24))
    assert len(shown) == 24
    assert sum(line.startswith("| m/") for line in shown) == 7
    assert shown[-5].startswith(" Stopping: ")
    assert [line.split()[0] for line in shown[-4:]] == ["answered/s", "in", "TTFT", "failed"]


def test_paused_is_shown() -> None:
    """That the screen stands still is written on it."""
    assert lines([guide_task()] * 2, viewport(paused=True))[2].endswith("PAUSED")
    assert lines([guide_task()], viewport(paused=True))[0].endswith("PAUSED")


def test_task_at_hand() -> None:
    """It is the one being carried out, else the last that was; before the first begins there is none."""
    done = guide_task(task="m/done", status=Status.FINISH)
    assert task_at_hand([done, busy_task(), waiting_task()]) == busy_task()
    assert task_at_hand([done, waiting_task()]) == done
    assert task_at_hand([waiting_task()]) is None


def test_a_line() -> None:
    """A line has the status, the progress, the counts, how fast it is, how long users wait, and what is left."""
    assert told(busy_task()) == (
        "vllm-api-stream-chat/demo_gsm8k: inferencing, 1036/2000, POST=1100 RECV=1000 FINISH=1036 FAIL=36, "
        "64 in flight, 12.4/s answered, TTFT 201 ms/1.23 s, TPOT 25.0/28.0 ms, about 1:02 to go"
    )
    assert "279 in flight, 11.4/s answered of 40/s asked, overloaded, TTFT 17.8/19.6 s, " in told(drowning_task())
    timed = guide_task(planned=None, duration_ns=60 * S, status=Status.WRITE_CACHE)
    assert told(timed).startswith("vllm-api-stream-chat/demo_gsm8k: write cache, 37/60 s, POST=4 ")
    assert told(waiting_task()).startswith("m/d: not start, 0, POST=0 ")


def test_a_change_of_status_is_said(tmp_path: Path) -> None:
    """Each status is said once, in the form of a log line, until the run is over."""
    states = iter([guide_task(), guide_task(ok=8), guide_task(ok=8, status=Status.FINISH)])
    write(tmp_path, "a", guide_task(status=Status.WARMUP))
    write(tmp_path, "b", waiting_task(owner=GONE))
    said: list[str] = []

    def over(_: float) -> bool:
        state = next(states)
        write(tmp_path, "a", state)
        if state.status.final:
            (tmp_path / "status" / "b.json").unlink()
        return False

    follow(tmp_path, said.append, over)
    assert all(STAMP.match(text) for text in said)
    assert [re.split(": |, ", STAMP.sub("", text))[1] for text in said] == ["warmup", "inferencing", "finish"]


def test_the_same_status_is_said_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that goes on is told of again after a while, one that waits is not; and nothing when it is over."""
    monkeypatch.setattr(view, "EVERY_S", 0.0)
    write(tmp_path, "a", guide_task())
    write(tmp_path, "b", waiting_task())
    said: list[str] = []
    waits: list[float] = []

    def over(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == 3

    follow(tmp_path, said.append, over)
    assert len(said) == 3
    assert waits == [view.LOOK_S] * 3
