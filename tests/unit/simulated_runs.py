"""Summaries of simulated runs of a service whose truth is known: its speed, waves that neighbours share, noise from
run to run."""

from dataclasses import replace
from functools import cache

import numpy as np
from correlated import normal_ar1
from synthetic_comparison import SOUND

from fastbench.answers.comparison import AchievedLoad, Ratio, RequestColumns, RunSummary, Workload
from fastbench.answers.comparison.summary import DECILES, THROUGHPUTS, distribution, throughput
from fastbench.answers.uncertainty import Times

EVERY_NS = 20_000_000
TOKENS = 100
STATS = ("P50", "P90", "P99")
NS_PER_MS = 1_000_000
WAVE = 0.995
"""Correlation from request to request: waves last some 200 requests, or 4 s."""


@cache
def run(
    seed: int,
    *,
    slower: float = 1.0,
    noise: float = 0.0,
    wave: float = 1.0,
    requests: int = 3_000,
    prompts: int | None = None,
) -> RunSummary:
    """60 s of an open loop of 50 requests/s; TTFT about 60 ms, a token 5 ms. The same arguments give the same object.

    slower: a factor on the time of a token. noise: standard deviation of the logarithm from run to run, on all times.
    wave: strength of the waves. prompts: the seed of the outputs' lengths; None = all are alike.
    """
    random = np.random.default_rng([seed, 1])
    slow = wave * normal_ar1(1, requests, WAVE, seed)[0]
    level = np.exp(noise * random.normal())
    ttft = 60 * level * np.exp(0.25 * random.normal(size=requests) + 0.05 * slow)
    step = 5 * level * slower * np.exp(0.04 * random.normal(size=requests) + 0.02 * slow)
    lengths = np.full(requests, TOKENS)
    if prompts is not None:
        lengths = np.random.default_rng(prompts).integers(TOKENS // 2, 2 * TOKENS, requests)
    values = {"TTFT": ttft, "TPOT": step, "E2EL": ttft + step * (lengths - 1)}
    return _summary(seed, {name: each * NS_PER_MS for name, each in values.items()}, lengths, prompts)


def _summary(seed: int, values: dict[str, np.ndarray], lengths: np.ndarray, prompts: int | None) -> RunSummary:
    sent = np.arange(lengths.size) * EVERY_NS
    times = Times(sent, values["E2EL"].astype(np.int64))
    (rate,) = throughput(
        Ratio(THROUGHPUTS[1], "token/s", float("nan"), np.empty(0), np.empty(0)),
        times,
        sent + times.took_ns,
        lengths.astype(np.float64),
    )
    blocks = 30
    failed = Ratio("Failed", "", 0.0, np.zeros(blocks), np.full(blocks, lengths.size / blocks), higher_is_better=False)
    return RunSummary(
        label=f"run {seed}",
        source=f"simulated/{seed}",
        workload=Workload(
            "simulated", "" if prompts is None else f"prompts {prompts}", "3,000 requests, 50 requests/s"
        ),
        **SOUND,
        begun="",
        length_s=lengths.size * EVERY_NS / 1e9,
        requests=lengths.size,
        ok=lengths.size,
        load=AchievedLoad("open", 50.0),
        output_tokens=float(lengths.mean()),
        input_tokens=512.0,
        cached_share=0.0,
        config={},
        distributions={name: distribution(name, times, each, (*DECILES, *STATS), 0) for name, each in values.items()},
        ratios={rate.name: rate, failed.name: failed},
        columns=None if prompts is None else RequestColumns(np.arange(lengths.size), sent, values),
    )


def named(summary: RunSummary, **changes: object) -> RunSummary:
    """The same with other fields."""
    return replace(summary, **changes)  # type: ignore[arg-type]  # as a test says
