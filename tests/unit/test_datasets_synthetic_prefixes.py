"""Prefix pools and the hit ratio that they are made for."""

from collections import Counter
from itertools import islice
from typing import Any

import pytest

from fastbench.config.fields.lengths import Uniform
from fastbench.datasets import SyntheticConfig, open_dataset
from fastbench.datasets.synthetic import HitRatio, MixPart, PrefixPool, SyntheticDataset
from fastbench.errors import ConfigError


def dataset(pool: PrefixPool, **settings: Any) -> SyntheticDataset:
    config = SyntheticConfig(**{"count": 4000, "input_len": Uniform(low=40, high=80), **settings}, prefix_pool=pool)
    opened = open_dataset(config)
    assert isinstance(opened, SyntheticDataset)
    return opened


def cached_share(data: SyntheticDataset, requests: int) -> float:
    """What a cache of whole prompts serves of the input, request after request, in words: the longest known prefix."""
    known: dict[str, Any] = {}
    hits = tokens = 0
    for sample in islice(data.samples(), requests):
        words = str(sample.prompt).split()
        tokens += len(words)
        after = known
        for word in words:
            hits += word in after
            after = after.setdefault(word, {})
    return hits / tokens


def test_without_a_ratio_each_prompt_begins_with_a_prefix() -> None:
    """Each prompt begins with one of the prefixes, each about equally often, and goes on by itself."""
    data = dataset(PrefixPool(count=4, length=30))
    starts = Counter(" ".join(str(sample.prompt).split()[:30]) for sample in data.samples())
    assert len(starts) == 4
    assert all(abs(times - 1000) < 150 for times in starts.values())
    assert len({sample.prompt for sample in data.samples()}) == 4000


@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.5])
def test_a_cache_reaches_the_ratio_asked(ratio: float) -> None:
    """A cache of all prompts serves the share of the input that was asked for, and that the data set foretells."""
    data = dataset(PrefixPool(count=5, length=40, hit_ratio=ratio))
    told = data.hit_ratio(1500)
    assert told is not None
    assert told.warm == pytest.approx(ratio)
    # Prompts that share no prefix still share their first word or two by chance.
    assert cached_share(data, 1500) == pytest.approx(told.cold, abs=0.05)
    assert told.cold <= told.warm


def test_the_first_use_of_a_prefix_misses() -> None:
    """Where prefixes are as many as requests, hardly any is seen twice, and the ratio from cold is told as low."""
    data = dataset(PrefixPool(count=1000, length=40))
    told = data.hit_ratio(100)
    assert told is not None
    assert told.warm == pytest.approx(40 / 60)
    assert told.cold == pytest.approx(cached_share(data, 100), abs=0.06)
    assert told.cold < 0.06


def test_one_request_hits_nothing() -> None:
    """The first request of a run finds an empty cache, whatever the pool."""
    data = dataset(PrefixPool(count=1, length=30))
    assert data.hit_ratio(1) == pytest.approx(HitRatio(warm=0.5, cold=0.0))


def test_a_ratio_beyond_the_prefixes_is_refused() -> None:
    """A ratio that even prefixes on every prompt do not reach is told with the greatest possible one."""
    with pytest.raises(ConfigError, match=r"synthetic: prefix_pool.hit_ratio is 0.9; it must be at most 0.5, as"):
        dataset(PrefixPool(count=1, length=30, hit_ratio=0.9))


def test_the_ratio_holds_for_a_mix() -> None:
    """The mean prompt of a mix is that of its parts by their weights."""
    parts = (
        MixPart(input_len=Uniform(low=100, high=100), weight=3),
        MixPart(input_len=Uniform(low=20, high=20), weight=1),
    )
    data = dataset(PrefixPool(count=2, length=20, hit_ratio=0.2), input_len=None, mix=parts)
    assert data.mean_input() == 80
    told = data.hit_ratio(1500)
    assert told is not None
    assert cached_share(data, 1500) == pytest.approx(told.cold, abs=0.05)


def test_without_a_pool_no_ratio_is_told() -> None:
    """A data set without a prefix pool foretells nothing."""
    opened = open_dataset(SyntheticConfig(count=1, input_len=Uniform(low=4, high=4)))
    assert isinstance(opened, SyntheticDataset)
    assert opened.hit_ratio(10) is None
