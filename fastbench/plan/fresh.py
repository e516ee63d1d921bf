"""Prompts that no prefix cache has seen: the data set's, with a seed of their own, without end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from msgspec.structs import replace

from fastbench.config import DatasetConfig
from fastbench.datasets import alike
from fastbench.plan.blocks import Round
from fastbench.plan.planned import Requests
from fastbench.plan.sharing import in_pieces
from fastbench.plan.task_plan import TaskPlan
from fastbench.seeds import seed_of

PIECE = 128
"""Places of a round that are prepared at once."""


def fresh_rounds(plan: TaskPlan, seed: int, number: int = 0) -> Iterator[Round]:
    """Rounds through the data set, whose requests have the numbers from `number` on. Made prompts have a seed of their
    own in each; of prompts of a file another one is the first."""
    for turn in count():
        anew = seed_of(seed, turn)
        config = plan.task.dataset
        made = _reseeded(config, anew)
        start = 0 if made is not None else anew % plan.samples
        own = {"fresh_seed" if plan.task.seed is None else "seed": anew}
        task = replace(plan.task, dataset=made or config.with_words(anew, named=True), **own)
        requests = Requests(plan.changed(task=task))
        places = range(start, start + plan.samples)
        yield Round(requests, in_pieces(places, PIECE), shift=number - requests.number(start))
        number += plan.requests


def _reseeded(config: DatasetConfig, seed: int) -> DatasetConfig | None:
    """The settings with this seed where they make prompts; None where prompts are those of a file."""
    if alike(config, 1) is None or not hasattr(config, "seed"):
        return None
    words = {"words_seed": None} if hasattr(config, "words_seed") else {}
    return replace(config, seed=seed, **words)
