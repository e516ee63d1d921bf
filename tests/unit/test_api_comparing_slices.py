"""What slices of a live comparison send: the same lengths to both services, and prompts that nobody has seen."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from fastbench.api.comparing import slices
from fastbench.api.comparing.slices import OneSide, Slice, plan_of_slice, recording_of, side_of
from fastbench.datasets import Sample, prompt_text
from fastbench.errors import UsageError
from fastbench.live import Progress
from fastbench.options import Options, run_of_options
from fastbench.plan import Requests, TaskPlan
from fastbench.run import Stop
from fastbench.units import NS_PER_S

URL = "http://127.0.0.1:9"
MADE = {"input_len": (8, 40), "output_len": (4, 9), "concurrency": 4}


def both(tmp_path: Path, seed: int = 1, **options: object) -> tuple[OneSide, OneSide]:
    run = run_of_options(Options({"url": URL, "work_dir": str(tmp_path), **options})).run
    return side_of(run, "a", "A", URL, seed), side_of(run, "b", "B", URL, seed)


def samples(side: OneSide, one: Slice) -> list[Sample]:
    """Of a slice, in the order of its numbers."""
    plan = plan_of_slice(side.plan, side.plan, one)
    numbered = list(Requests(plan, side.dataset).numbered(range(one.requests)))
    assert [number for number, _ in numbered] == list(range(one.requests))
    return [sample for _, sample in numbered]


def lengths(found: Sequence[Sample]) -> list[tuple[int | None, int | None]]:
    return [(sample.input_len, sample.output_len) for sample in found]


def test_made_prompts(tmp_path: Path) -> None:
    """Both sides of a pair have prompts of the same lengths; no two of a comparison, or of another one of the same
    services, are alike."""
    pairs = [Slice(number, 30 * number, 30, number) for number in range(4)]
    texts: set[str] = set()
    for seed in (1, 2):
        a, b = both(tmp_path, seed, **MADE)
        for one in pairs:
            of_a, of_b = samples(a, one), samples(b, one)
            assert lengths(of_a) == lengths(of_b)
            texts |= {prompt_text(sample.prompt) for sample in (*of_a, *of_b)}
        assert lengths(samples(a, pairs[1])) != lengths(samples(a, pairs[2]))
    assert len(texts) == 2 * 2 * 4 * 30


def test_prompts_of_a_file(tmp_path: Path) -> None:
    """Both sides have the same rows, each pair those behind the last one's, and the first ones again after the last."""
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"p{row}"}) + "\n" for row in range(50)))
    a, b = both(tmp_path, dataset=str(file), concurrency=4)
    one = Slice(2, 40, 20, 0)
    rows = [f"p{row % 50}" for row in range(40, 60)]
    assert [prompt_text(sample.prompt) for sample in samples(a, one)] == rows
    assert [prompt_text(sample.prompt) for sample in samples(b, one)] == rows


def test_the_schedule_of_a_slice(tmp_path: Path) -> None:
    """A slice has its requests, as many slots as were asked for, and in an open loop arrivals that both sides of a pair
    have in common and another pair has not. The first pair alone has a warm-up."""
    a, b = both(tmp_path, **MADE)
    plan = plan_of_slice(a.plan, a.plan, Slice(3, 60, 20, 5))
    assert (plan.planned, plan.schedule.limit, plan.task.num_warmups) == (20, 4, 0)
    assert plan_of_slice(a.plan, a.plan, Slice(0, 0, 20, 5)).task.num_warmups == 1
    a, b = both(tmp_path, load={"type": "poisson", "rate": 40}, **MADE)

    def offsets(plan: TaskPlan) -> list[int]:
        assert plan.schedule.offsets is not None
        return plan.schedule.offsets.tolist()

    first, second = Slice(1, 0, 20, 5), Slice(2, 20, 20, 6)
    assert offsets(plan_of_slice(a.plan, a.plan, first)) == offsets(plan_of_slice(b.plan, a.plan, first))
    assert offsets(plan_of_slice(a.plan, a.plan, first)) != offsets(plan_of_slice(a.plan, a.plan, second))


def test_what_is_known_of_the_first_service_holds_for_both(tmp_path: Path) -> None:
    """Tokens of a word, and fields that are left out, are the same on both sides."""
    a, b = both(tmp_path, **MADE)
    told = a.plan.changed(tokens_per_word=1.5)
    assert plan_of_slice(b.plan, told, Slice(1, 0, 20, 0)).tokens_per_word == 1.5


def test_names_of_recordings(tmp_path: Path) -> None:
    """Each slice has a recording of its own, beside where its task's would be."""
    a, b = both(tmp_path, **MADE)
    place = tmp_path / "performances" / "model" / "synthetic_recording"
    names = [recording_of(place, side, Slice(number, 0, 1, 0)).name for number in (1, 12) for side in (a, b)]
    assert names == [
        "synthetic_001_a_recording",
        "synthetic_001_b_recording",
        "synthetic_012_a_recording",
        "synthetic_012_b_recording",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"duration": "9s"}, "cuts the load into slices of equal requests"),
        ({"pressure": True}, "cuts the load into slices of equal requests"),
    ],
)
def test_what_cannot_be_cut(options: dict[str, object], said: str, tmp_path: Path) -> None:
    """A load that says itself how long it lasts is refused."""
    with pytest.raises(UsageError, match=said):
        both(tmp_path, **{**MADE, "rate": "5/s", **options})


def test_conversations_cannot_be_cut(tmp_path: Path) -> None:
    """A data set of conversations is refused."""
    rows = [{"question_id": row, "category": "c", "turns": ["one", "two"]} for row in range(9)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "models": [{"type": "openai_chat", "url": URL}],
        "datasets": [{"type": "mtbench", "path": str(tmp_path / "rows.jsonl")}],
    }
    run = run_of_options(Options({"config_file": config})).run
    with pytest.raises(UsageError, match="the data set has conversations"):
        side_of(run, "a", "A", URL, 1)


def progress(ok: int, in_flight: int) -> Progress:
    return Progress("measure", 20, None, ok, in_flight, ok, 0, 0, 0, 0, {})


def test_a_service_that_says_nothing_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slice is ended when its service has answered nothing for 30 s, or 20 of its latencies where they are longer;
    not while something comes, or nothing is asked."""
    now = [0]
    monkeypatch.setattr(slices.time, "monotonic_ns", lambda: now[0])
    assert time.monotonic_ns() == 0
    for latency_s, patience_s in ((0.1, 30), (4.0, 80)):
        stop = Stop()
        silence = slices._Silence(stop, lambda: latency_s * NS_PER_S)  # noqa: B023 - called before the next
        for ok, in_flight, after_s, over in (
            (1, 4, 0, False),
            (1, 0, 200, False),
            (2, 4, 1, False),
            (2, 4, patience_s - 1, False),
            (3, 4, 2, False),
            (3, 4, patience_s + 1, True),
        ):
            now[0] += after_s * NS_PER_S
            silence.watch(progress(ok, in_flight))
            assert silence.over is over
        assert stop.asked == 2
        assert silence.words == f"it has answered nothing for {patience_s} s"
