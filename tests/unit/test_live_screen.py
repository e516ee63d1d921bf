"""The whole screen at several sizes."""

from collections.abc import Sequence

import pytest
from fastbench.live.screen import Viewport, page_shown, pages, rows_of_page, screen, task_at_hand
from snapshots import busy_task, guide_task, waiting_task

from fastbench.live import Snapshot, Status

NOW = 1762425281.0


def viewport(width: int = 120, height: int = 40, page: int | None = None, paused: bool = False) -> Viewport:
    return Viewport(width, height, "outputs/default/20251106_103326", NOW, page, paused)


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


def test_details() -> None:
    """Below the table stands all that there is to know of the task at hand."""
    shown = lines([busy_task(), waiting_task()], viewport())
    assert shown[shown.index("vllm-api-stream-chat/demo_gsm8k") :] == [
        "vllm-api-stream-chat/demo_gsm8k",
        "  time to go       about 0:01:02",
        "  requests         1,100 sent, 1,000 ok, 36 failed",
        "  in flight        64                         ▂▃▄▇",
        "  requests/s       12.4                       ▁▄▇▇",
        "  output events/s  1,584                      ▁▇▇▇",
        "  TTFT p50 / p99   201 ms / 1.23 s             ▃▄▇",
        "  ITL p50 / p99    20.1 ms / 21.4 ms           ▇▇▇",
        "  client lag p99   12.3 us, 2 stalls",
        "  failures         32 timeout, 4 http_error",
        "  log              logs/infer/vllm-api-stream-chat/demo_gsm8k.out",
    ]


@pytest.mark.parametrize(
    ("asked", "says"), [(1, "Ctrl-C again stops at once"), (2, "stopping now"), (3, "stopping now")]
)
def test_stopping(asked: int, says: str) -> None:
    """That Ctrl-C was heard is shown, and what a second one would do."""
    assert says in lines([busy_task(stopping=asked)], viewport())[-1]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 210])
@pytest.mark.parametrize("height", [5, 12, 24, 50])
def test_every_size(width: int, height: int) -> None:
    """No line is wider than the screen, and there are never more lines than it has."""
    for snapshots in (many(1), many(7), many(40, active=25), [waiting_task()]):
        shown = screen(snapshots, viewport(width, height))
        assert len(shown) <= height
        assert max(line.cell_len for line in shown) <= width


def test_narrow_details_have_no_sparkline() -> None:
    """On 40 columns the numbers are all there, and nothing is drawn beside them."""
    text = "\n".join(lines([busy_task()], viewport(40)))
    assert "201 ms / 1.23 s" in text
    assert "32 timeout" in text
    assert "▇" not in text


def test_pages() -> None:
    """A page has as many tasks as there is room for; together the pages have each once."""
    assert rows_of_page(3, 40) == 3
    assert rows_of_page(100, 40) == 18
    assert pages(100, 40) == 6
    assert (rows_of_page(12, 24), pages(12, 24)) == (8, 2)
    assert (rows_of_page(3, 10), pages(3, 10)) == (1, 3)
    seen = [
        line.split()[1]
        for page in range(6)
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
    """On 80 x 24 eight of twelve tasks stand above what matters most of the one at hand, and that Ctrl-C was heard."""
    tasks = [busy_task(task="m/0", stopping=1), *many(12)[1:]]
    shown = lines(tasks, viewport(80, 24))
    assert len(shown) == 24
    assert sum(line.startswith("| m/") for line in shown) == 8
    labels = [line[2:19].rstrip() for line in shown[-6:]]
    assert labels[1:-1] == ["requests", "in flight", "TTFT p50 / p99", "failures"]
    assert shown[-1].startswith("stopping")


def test_paused_is_shown() -> None:
    """That the screen stands still is written on it."""
    assert lines([guide_task()], viewport(paused=True))[2].endswith("PAUSED")


def test_task_at_hand() -> None:
    """It is the one being carried out, else the last that was; before the first begins there is none."""
    done = guide_task(task="m/done", status=Status.FINISH)
    assert task_at_hand([done, busy_task(), waiting_task()]) == busy_task()
    assert task_at_hand([done, waiting_task()]) == done
    assert task_at_hand([waiting_task()]) is None


def test_a_status_has_its_colour() -> None:
    """A status is coloured in its own cell, and not where its word stands in a name."""
    (row,) = [
        line
        for line in screen([guide_task(task="m/error", status=Status.ERROR)], viewport())
        if "m/error " in line.plain
    ]
    assert [row.plain[span.start : span.end] for span in row.spans] == ["error"]
    assert row.spans[0].start > row.plain.index("it/s")
