"""Prepared requests: numbers, ids, times, one after the other."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace
from tasks import plan_of as plan_of_task
from tasks import task_of

from fastbench.datasets import Sample, Turn
from fastbench.datasets.conversations.mtbench import MTBENCH
from fastbench.datasets.jsonl import JSONL
from fastbench.datasets.raw.raw_rows import ROWS
from fastbench.plan.planned import Planned, Requests, RequestWriter, planned_requests
from fastbench.run.worker.conversations import Conversations

RUN = "8e3c0d5a-9b1f-4c7e-a2d4"

Item = tuple[int, Sample, int]


def samples(count: int | None = None) -> Iterator[Item]:
    """Numbered samples whose index is not their number, and their offsets."""
    numbers = itertools.count() if count is None else range(count)
    return ((number, Sample(index=1000 + number, prompt=f"p{number}"), 7 * number) for number in numbers)


def encode(sample: Sample, request_id: str) -> bytes:
    return f"{sample.index} {request_id}".encode()


def plan_of(items: Iterator[Item], default_output: int = 9) -> Iterator[Planned]:
    writer = RequestWriter(encode, run_id=RUN, default_output=default_output)
    return planned_requests(items, writer, Conversations(writer))


def test_rows_that_come_again_have_other_markers(tmp_path: Path) -> None:
    """Beyond the end of a file its rows come again; with markers each time with another one, without as they are."""
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"row {row}"}) + "\n" for row in range(3)))
    task = task_of("http://h:1", JSONL.schema(abbr="rows", path=str(file)))
    plain, marked = (
        [str(sample.prompt) for _, sample in Requests(plan_of_task(one)).numbered(range(7))]
        for one in (task, replace(task, cache_bust="first-turn", fresh_seed=1))
    )
    assert plain == [f"row {place % 3}" for place in range(7)]
    assert [text.rpartition("\n\n")[2] for text in marked] == plain
    assert len(set(marked)) == 7


def test_made_prompts_have_no_end() -> None:
    """Beyond the data set's count made prompts go on with others, wherever they are read from."""
    requests = Requests(plan_of_task(task_of("http://h:1")))
    texts = [sample.prompt for _, sample in requests.numbered(range(40))]
    assert [sample.prompt for _, sample in requests.numbered(range(1, 40, 3), 3)] == texts[1::3]
    assert len({str(text) for text in texts}) == 40


def test_numbers_and_ids() -> None:
    """Requests have their numbers, and their ids hold the run's id and their number."""
    found = list(plan_of(samples(5)))
    assert [item.request for item in found] == [0, 1, 2, 3, 4]
    assert [item.sample for item in found] == [1000, 1001, 1002, 1003, 1004]
    assert [item.payload for item in found] == [f"{1000 + k} {RUN}-{k:012d}".encode() for k in range(5)]


def test_times_are_those_given() -> None:
    """Each request has its sample's offset."""
    assert [item.offset_ns for item in plan_of(samples(4))] == [0, 7, 14, 21]


def test_lengths_that_are_planned() -> None:
    """A sample's own lengths stand in the plan; without them input is not known and output is the default."""
    pair = [(0, Sample(index=0, prompt="a"), 0), (1, Sample(index=1, prompt="b", input_len=7, output_len=3), 0)]
    assert [(item.planned_input, item.planned_output) for item in plan_of(iter(pair))] == [(-1, 9), (7, 3)]


def test_requests_are_made_as_they_are_taken() -> None:
    """A plan without end is no problem: nothing is encoded before it is asked for."""
    made: list[str] = []

    def noting(sample: Sample, request_id: str) -> bytes:
        made.append(request_id)
        return b""

    writer = RequestWriter(noting, run_id=RUN, default_output=1)
    plan = planned_requests(samples(), writer, Conversations(writer))
    assert made == []
    taken = list(itertools.islice(plan, 3))
    assert made == [f"{RUN}-{k:012d}" for k in range(3)]
    assert len(taken) == 3


def test_a_conversation_begins_with_its_first_turn() -> None:
    """A conversation's first turn stands in the plan with its number and its time."""
    talk = Sample(index=4, prompt=[], turns=(Turn("a"), Turn("b"), Turn("c")))
    single = Sample(index=5, prompt="x")
    found = list(plan_of(iter([(0, talk, 3), (3, single, 4), (4, talk, 5)])))
    assert [(item.request, item.session, item.turn, item.more, item.offset_ns) for item in found] == [
        (0, 1, 0, True, 3),
        (3, 0, 0, False, 4),
        (4, 2, 0, True, 5),
    ]


def test_a_length_that_is_the_same_for_all() -> None:
    """A length that the service's settings fix stands in the plan in the place of a sample's own."""
    for fixed, planned_output in ((5, 5), (-1, -1), (None, 3)):
        writer = RequestWriter(encode, run_id="r", default_output=9, fixed_output=fixed)
        assert writer.write(Sample(0, "a", None, 3), 0).planned_output == planned_output


def test_what_was_sent_is_found_by_its_request(tmp_path: Path) -> None:
    """A request's number leads to its whole request, of a session to that of its turn, also in later rounds and from
    another row on; single rows beside sessions have their own; the turns of conversations are not known."""
    file = tmp_path / "rows.jsonl"
    sessions = ("a", None, "b", "a", "b", "b")
    bodies = [{"messages": [{"role": "user", "content": str(row)}]} for row in range(len(sessions))]
    file.write_text(
        "".join(json.dumps({"body": body, "session_id": of}) + "\n" for body, of in zip(bodies, sessions, strict=True))
    )
    task = task_of("http://h:1", ROWS.schema(abbr="rows", path=str(file)))
    plan = plan_of_task(task)
    assert plan_of_task(replace(task, cache_bust="system", fresh_seed=1)).record()["prompts"]["cold"] is None
    for first, rows in ((0, "031245" * 2), (1, "124503" * 2)):
        requests = Requests(plan.changed(first=first))
        raws = [(number, sample.raw) for number, sample in requests.sent(range(12))]
        assert [number for number, _ in raws] == list(range(12))
        assert "".join(json.loads(raw.body)["messages"][0]["content"] for _, raw in raws if raw is not None) == rows
        assert [number for number, _ in requests.sent([2, 7])] == [2, 7]
    talk = tmp_path / "talk.jsonl"
    talk.write_text('{"turns": ["a", "b"]}')
    assert (
        list(Requests(plan_of_task(task_of("http://h:1", MTBENCH.schema(abbr="t", path=str(talk))))).sent([0, 1])) == []
    )
