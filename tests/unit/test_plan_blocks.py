"""Requests made many at once are those that are made one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tasks import plan_of, task_of

from fastbench.config.fields.lengths import Gaussian, Uniform, Zipf
from fastbench.config.services import ADAPTERS
from fastbench.datasets import SyntheticConfig
from fastbench.datasets.synthetic import MixPart, PrefixPool
from fastbench.dialects import Speaker, output_length
from fastbench.plan.blocks import Block, Round, prepared
from fastbench.plan.planned import Planned, Requests, RequestWriter
from fastbench.plan.sharing import WHOLE, Share, in_pieces
from fastbench.plan.task_plan import TaskPlan
from fastbench.run.worker.conversations import Conversations

RUN = "8e3c0d5a-9b1f-4c7e-a2d4"
EXACT, DRAWN = Uniform(low=6, high=6), Uniform(low=3, high=9)
LAWS = Zipf(alpha=1.5, low=1, high=50), Gaussian(mean=20, var=9, low=5, high=40)
CHAT: dict[str, Any] = {"type": "openai_chat"}
MIX = [MixPart(weight=2, input_len=EXACT, class_name="a"), MixPart(weight=1, input_len=DRAWN, output_len=DRAWN)]


class OneByOne:
    """A speaker that makes no requests at once."""

    def __init__(self, speaker: Speaker) -> None:
        self.lengths = speaker.lengths

    def writer(self, _: object) -> None:
        return None


def requests_of(
    plan: TaskPlan, *, at_once: bool, share: Share = WHOLE, first: int = 0, shift: int = 0
) -> Iterator[Planned | Block]:
    service = plan.task.service
    speaker = Speaker(service, "m", "h:1", "")
    length = output_length(service)
    writer = RequestWriter(
        speaker.encode,
        run_id=RUN,
        default_output=length.usual,
        fixed_output=-1 if length.field is None else length.fixed,
        classes=plan.classes,
        first=first,
    )
    part = plan.part(share)
    return prepared(
        [Round(Requests(plan), in_pieces(plan.places(share), 7), share.of, shift)],
        part.schedule,
        speaker=speaker if at_once else OneByOne(speaker),
        writer=writer,
        conversations=Conversations(writer),
    )


def one_by_one(items: Iterator[Planned | Block], count: int) -> list[Planned]:
    """The first requests of a plan, those of its blocks apart."""

    def each() -> Iterator[Planned]:
        for item in items:
            if isinstance(item, Planned):
                yield item
                continue
            begins = [0, *item.ends.tolist()[:-1]]
            for row, begin in enumerate(begins):
                fields = [int(column[row]) for column in item[2:]]
                payload = item.payloads[begin : item.ends[row]]
                yield Planned(payload, *fields[:5], class_number=fields[5])

    return list(islice(each(), count))


@pytest.mark.parametrize(
    ("dataset", "service"),
    [
        ({"input_len": EXACT, "output_len": Uniform(low=4, high=4)}, CHAT),
        ({"input_len": EXACT}, CHAT),
        ({"input_len": DRAWN, "output_len": LAWS[0]}, CHAT),
        ({"input_len": LAWS[1], "output_len": DRAWN, "words_seed": 11}, {"type": "openai_completions"}),
        ({"input_len": EXACT, "words_seed": 11, "shared_prefix": 4}, {"type": "tgi_generate"}),
        ({"input_len": LAWS[1], "prefix_pool": PrefixPool(count=3, length=4)}, {"type": "mindie_infer"}),
        ({"mix": MIX, "input_len": EXACT}, {"type": "triton_generate"}),
        ({"input_len": DRAWN, "as_ids": True, "vocab_size": 120_000}, {"type": "openai_completions"}),
        ({"input_len": EXACT}, CHAT | {"generation_kwargs": {"max_tokens": 77, "num_return_sequences": 3}}),
        ({"input_len": EXACT}, CHAT | {"generation_kwargs": {"max_tokens": None}, "request_rate": 100.0}),
    ],
)
def test_the_same_requests(dataset: dict[str, Any], service: dict[str, Any]) -> None:
    """To the last byte, with the same lengths, times and classes, wherever a share begins and beyond a round."""
    plan = plan_of(task_of("http://h:1", SyntheticConfig(count=40, seed=5, **dataset), **{"batch_size": 4, **service}))
    for share in (Share(), Share(1, 3)):
        made = [
            one_by_one(requests_of(plan, at_once=at_once, share=share, first=first, shift=first), 60)
            for at_once, first in ((True, 0), (False, 0), (True, 1 << 40), (False, 1 << 40))
        ]
        assert made[0] == made[1]
        assert made[2] == made[3]
        assert len(made[0]) == len(list(islice(plan.places(share), 60)))
    assert isinstance(next(requests_of(plan, at_once=True)), Block)


def test_what_is_made_one_by_one(tmp_path: Path) -> None:
    """Requests with parameters or adapters of their own are made one by one."""
    mix = [MixPart(input_len=EXACT, parameters={"top_k": 3})]
    adapters = tmp_path / "adapters.json"
    adapters.write_text('{"0": "a"}')
    for dataset, service in (
        ({"mix": mix, "input_len": EXACT}, CHAT),
        ({"input_len": EXACT}, CHAT | {"generation_kwargs": {ADAPTERS: str(adapters)}}),
    ):
        plan = plan_of(task_of("http://h:1", SyntheticConfig(count=40, seed=5, **dataset), **service))
        assert isinstance(next(requests_of(plan, at_once=True)), Planned)


def test_long_prompts_are_made_a_few_at_once() -> None:
    """A block of prompts holds some ten thousands of words, or one prompt."""
    for length, most in ((1024, 7), (20_000, 3), (200_000, 1)):
        plan = plan_of(task_of("http://h:1", SyntheticConfig(count=40, input_len=Uniform(low=length, high=length))))
        block = next(requests_of(plan, at_once=True))
        assert isinstance(block, Block)
        assert block.size == most
        assert np.all(block.planned_input == length)
