"""Prompts that no prefix cache has seen: a seed of their own for each visit, without end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from tasks import plan_of, task_of

from fastbench.config.fields import Uniform
from fastbench.datasets import Sample, SyntheticConfig, prompt_text
from fastbench.datasets.conversations.sharegpt import SHAREGPT
from fastbench.datasets.jsonl import JSONL
from fastbench.plan import TaskPlan, fresh_rounds
from fastbench.seeds import seed_of

URL = "http://127.0.0.1:9"


def fresh(plan: TaskPlan, seed: int) -> Iterator[tuple[int, Sample]]:
    """The samples, with the numbers of their (first) requests."""
    for one in fresh_rounds(plan, seed):
        for number, sample in one.requests.numbered(chain.from_iterable(one.pieces), one.step):
            yield number + one.shift, sample


def prompts(plan: TaskPlan, seed: int, count: int) -> list[tuple[int, str]]:
    """The first ones, with their numbers."""
    return [(number, prompt_text(sample.prompt)) for number, sample in islice(fresh(plan, seed), count)]


def test_seeds() -> None:
    """A seed depends on all of its parts, and is the same in every process."""
    assert seed_of(1, 16.0, 0) == 4423697759276167691
    assert len({seed_of(run, level, visit) for run in (1, 2) for level in (1.0, 2.0) for visit in (0, 1)}) == 8
    assert all(0 <= seed_of(part) < 1 << 62 for part in range(100))


def test_made_prompts_are_new_for_each_seed_and_round() -> None:
    """No prompt comes twice, within a seed, also beyond the data set's count, or with another seed."""
    length = Uniform(low=30, high=30)
    plan = plan_of(task_of(URL, SyntheticConfig(count=5, input_len=length)))
    first, again, other = prompts(plan, 1, 12), prompts(plan, 1, 12), prompts(plan, 2, 12)
    assert first == again
    assert [number for number, _ in first] == list(range(12))
    assert len({text for _, text in first + other}) == 24
    assert all(len(text.split()) == 30 for _, text in first)


def test_a_seed_of_words_does_not_stay() -> None:
    """Fresh prompts are new too where the words have a seed of their own."""
    plan = plan_of(task_of(URL, SyntheticConfig(count=5, input_len=Uniform(low=30, high=30), words_seed=1)))
    assert len({text for _, text in prompts(plan, 1, 12) + prompts(plan, 2, 12)}) == 24


def test_prompts_of_a_file_begin_elsewhere(tmp_path: Path) -> None:
    """A file has the prompts that it has: each seed begins with another one, and they are numbered from 0 on."""
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"p{row}"}) + "\n" for row in range(50)))
    plan = plan_of(task_of(URL, JSONL.schema(abbr="rows", path=str(file))))
    begins = set()
    for seed in range(8):
        found = prompts(plan, seed, 120)
        assert [number for number, _ in found] == list(range(120))
        rows = [int(text[1:]) for _, text in found]
        assert rows[:50] == [(rows[0] + step) % 50 for step in range(50)]
        assert set(rows[:50]) == set(range(50))
        begins.add(rows[0])
    assert len(begins) > 4


def test_conversations_keep_their_numbers_apart(tmp_path: Path) -> None:
    """A conversation has a number for each of its turns."""
    file = tmp_path / "talks.json"
    talk = [{"from": who, "value": f"{who} {turn}"} for turn in range(3) for who in ("human", "gpt")]
    file.write_text(json.dumps([{"id": str(row), "conversations": talk} for row in range(4)]))
    plan = plan_of(task_of(URL, SHAREGPT.schema(abbr="talks", path=str(file))))
    assert plan.requests == 3 * plan.samples
    numbers = [number for number, _ in islice(fresh(plan, 1), 11)]
    assert numbers == [3 * place for place in range(11)]
