"""A load over levels: which recording a request goes to, and what becomes of a batch of several visits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from recordings import Request, batch_of
from tasks import plan_of, task_of

from fastbench._core.ring import SOURCES, Batch
from fastbench.plan.shapes import Levels, Poisson
from fastbench.run.worker.visits import Visit, count_outputs, ended_of, ended_rows, plan_of_visit, taken_from
from fastbench.units import Duration

REQUESTS = [
    Request(0, token_ns=(1_100_000_000, 1_120_000_000, 1_320_000_000), end_ns=1_321_000_000, text=b'"a"'),
    Request(1 << 40, token_ns=(1_100_000_000,), marks=((0, 1, 30),)),
    Request(1, outcome="reset", message=b"gone", token_ns=(1_100_000_000, 1_101_000_000)),
    Request(1 + (1 << 40), event_tokens=(2, 1, 3), output_tokens=6),
    Request(2, flags=("superseded", "stream")),
]


def same(one: Batch, other: Batch) -> bool:
    """Whether all arrays of two batches are the same."""
    arrays = ("rows", "gaps", "escapes", "event_tokens", "marks")
    return one.notes == other.notes and all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)


@pytest.mark.parametrize("kept", [(0, 2, 4), (1, 3), (), (0, 1, 2, 3, 4), (3,)])
def test_a_batch_is_taken_apart(kept: tuple[int, ...]) -> None:
    """Some requests of a batch are the batch in which they alone had finished: tokens, marks, notes and all."""
    mask = np.isin(np.arange(len(REQUESTS)), kept)
    part = taken_from(batch_of(REQUESTS), mask)
    if kept:
        assert same(part, batch_of([REQUESTS[place] for place in kept]))
    else:
        assert not part.rows.size
        assert not part.gaps.size


def test_what_ended_has_its_visit() -> None:
    """Final rows alone are told, each with its visit, what it keeps, and how late it was."""
    batch = batch_of(REQUESTS)
    ended = ended_of([(batch, batch.rows["request"] >> 40)], lambda rows, *_: np.arange(rows.size, dtype=np.uint32))
    assert ended["visit"].tolist() == [0, 1, 0, 1]
    assert ended["bits"].tolist() == [0, 1, 2, 3]
    assert ended["tokens"].tolist() == [3, 1, 2, 6]
    assert (ended["sent_ns"] == 1_000_000_000).all()
    late = batch_of([Request(0, intended_ns=990_000_000, tried_ns=993_000_000), Request(1, sent_ns=0, tried_ns=7)])
    told = ended_rows(late.rows, np.zeros(2, np.uint32), 5)
    assert told["late_ns"].tolist()[0] == 3_000_000
    assert told["visit"].tolist() == [5, 5]
    assert told["sent_ns"].tolist() == [1_000_000_000, 7], "one that was never sent counts from when it was tried"


def test_the_plan_of_a_visit(tmp_path: Path) -> None:
    """A recording says the level, why it was visited and how often before; an open loop has its rate and times."""
    task = replace(task_of("http://127.0.0.1:9", batch_size=64), duration=Duration(3_600_000_000_000))
    plan = plan_of(task)
    visit = Visit(3, 16.0, "bisection", 1, 7, "", tmp_path)
    closed = plan_of_visit(plan, visit)
    assert closed.load.shape == Levels(level=16, visit=1, purpose="bisection")
    assert closed.schedule.slots is not None
    assert len(closed.schedule.slots.openings) == closed.schedule.limit == 16
    assert closed.record()["load"]["shape"]["purpose"] == "bisection"
    opened = plan_of_visit(plan, visit._replace(rate=50.0, duration_ns=2_000_000_000))
    assert isinstance(opened.load.shape, Poisson)
    assert opened.schedule.limit == 64
    assert opened.schedule.offsets is not None
    assert len(opened.schedule.offsets) == pytest.approx(100, abs=1)


def test_outputs_are_counted_as_they_end() -> None:
    """Where the service told no number of tokens those of the text are taken, before the request is judged; what it
    told, and a request without text, stay as they are."""
    text = b't"a b "\nt"c"\nr"d"'
    batch = batch_of([Request(0, text=text), Request(1, text=text), Request(2)])
    batch.rows["output_source"] = [SOURCES.index(name) for name in ("events", "usage", "events")]
    batch.rows["output_tokens"] = [2, 9, 3]
    asked: list[list[str]] = []

    def counts(texts: list[str]) -> list[int]:
        asked.append(texts)
        return [len(one.split()) for one in texts]

    count_outputs(batch, counts)
    assert asked == [["a b cd"]]
    assert batch.rows["output_tokens"].tolist() == [3, 9, 3]
    assert [SOURCES[code] for code in batch.rows["output_source"]] == ["tokenizer", "usage", "events"]
    count_outputs(batch_of([Request(0)]), counts)
    assert len(asked) == 1
