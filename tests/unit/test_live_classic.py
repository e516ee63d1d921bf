"""The progress table, as the guide shows it and narrower."""

import msgspec
import pytest
from every import every
from snapshots import S, busy_task, guide_task, waiting_task

from fastbench.live import Status, table
from fastbench.live.classic import extend_parameters, progress, table_lines

LINE = "+" + "+".join("-" * width for width in (33, 11, 49, 13, 13, 48, 48)) + "+"
GUIDE = f"""\
{LINE}
| Task Name                       |   Process | Progress                                        | Time Cost   \
| Status      | Log Path                                       | Extend Parameters                              |
{LINE.replace("-", "=")}
| vllm-api-stream-chat/demo_gsm8k |    744887 | [###########                   ] 3/8 [0.1 it/s] | 0:00:54     \
| inferencing | logs/infer/vllm-api-stream-chat/demo_gsm8k.out | {{'POST': 4, 'RECV': 3, 'FINISH': 3, 'FAIL': 0}} |
{LINE}"""
"""The table of the guide ("View Task Execution Details"), to the letter."""


def test_the_guides_table() -> None:
    """Where there is room for it the table is the guide's, to the letter."""
    assert "\n".join(table([guide_task()], len(LINE))) == GUIDE


@every("width", range(36, 230))
def test_no_line_is_too_wide(width: int) -> None:
    """Whatever the width, all lines of the table have one length, which fits."""
    lines = table([guide_task(), waiting_task(), busy_task()], width)
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) <= width


def test_narrow_tables_keep_what_matters_most() -> None:
    """The name and the progress stay longest, then the status, the time, the counts."""
    wide = {width: "\n".join(table([guide_task()], width)) for width in (160, 120, 80, 60, 44)}
    assert "Extend Parameters" in wide[160]
    assert "Log Path" not in wide[160]
    assert "Time Cost" in wide[120]
    assert "inferencing" in wide[80]
    assert "3/8" in wide[60]
    assert "demo_gsm8k" in wide[60]
    assert "vllm-api-str" in wide[44]
    assert "…" in wide[44]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"ok": 0}, "[          ] 0/8 [0.0 it/s]"),
        ({"ok": 7, "failed": 1}, "[##########] 8/8 [0.2 it/s]"),
        ({"planned": None}, "[          ] 3 [0.1 it/s]"),
        ({"planned": None, "duration_ns": 60 * S}, "[######    ] 37/60 [0.1 it/s]"),
        ({"planned": None, "duration_ns": 30 * S}, "[##########] 30/30 [0.1 it/s]"),
        ({"elapsed_ns": 0}, "[###       ] 3/8 [0.0 it/s]"),
    ],
)
def test_progress(changes: dict[str, int | None], shown: str) -> None:
    """Progress is told in requests, or in seconds where only the time is planned."""
    assert progress(guide_task(**changes), 10) == shown


def test_warm_up_has_its_own_counts() -> None:
    """While a task warms up, its counts are those of the warm-up, with the reasons of failures."""
    task = msgspec.structs.replace(busy_task(), status=Status.WARMUP, planned=2, ok=1, failed=1, failures={"reset": 1})
    assert extend_parameters(task) == {
        "Total Count": 2,
        "Success Count": 1,
        "Failed Count": 1,
        "Failed Reasons": {"reset": 1},
    }


def test_a_status_has_its_colour() -> None:
    """A status is coloured in its own cell, and not where its word stands in a name."""
    (row,) = [
        line for line in table_lines([guide_task(task="m/error", status=Status.ERROR)], 120) if "m/error " in line.plain
    ]
    assert [text for text, style in row.pieces if style] == ["error"]
    assert row.pieces[0][0].endswith("| 0:00:54     | ")
