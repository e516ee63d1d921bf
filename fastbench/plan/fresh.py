"""Prompts that no prefix cache has seen: the data set's, with a seed of their own, without end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from msgspec.structs import replace

from fastbench.config import DatasetConfig
from fastbench.datasets import Sample, alike
from fastbench.plan.planned import Requests
from fastbench.plan.task_plan import TaskPlan
from fastbench.seeds import seed_of


def fresh_samples(plan: TaskPlan, seed: int) -> Iterator[tuple[int, Sample]]:
    """Samples with the numbers of their (first) requests, from 0. Made prompts have a seed of their own in each round
    through the data set; of prompts of a file another one is the first. Raises DatasetError for a broken row."""
    first = 0
    for number in count():
        anew = seed_of(seed, number)
        config = plan.task.dataset
        made = _reseeded(config, anew)
        start = 0 if made is not None else anew % plan.samples
        own = {"fresh_seed" if plan.task.seed is None else "seed": anew}
        task = replace(plan.task, dataset=made or config.with_words(anew, named=True), **own)
        requests = Requests(plan.changed(task=task))
        begin: int | None = None
        for place, sample in requests.numbered(range(start, start + plan.samples)):
            begin = place if begin is None else begin
            yield first + place - begin, sample
        first += plan.requests


def _reseeded(config: DatasetConfig, seed: int) -> DatasetConfig | None:
    """The settings with this seed where they make prompts; None where prompts are those of a file."""
    if alike(config, 1) is None or not hasattr(config, "seed"):
        return None
    words = {"words_seed": None} if hasattr(config, "words_seed") else {}
    return replace(config, seed=seed, **words)
