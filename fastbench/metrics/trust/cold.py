"""What the service's prefix cache had of the prompts, against what the plan promises and asks for."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastbench.metrics.samples.selection import Rows, Selection, section

CACHED_SHARE = 0.01
"""Share of the input tokens above which the prefix cache changes what the service had to do."""
MOST_TEMPLATE = 512
"""Tokens that a chat template, or a gateway, is believed to add in front of each prompt."""
UNPLANNED_TEMPLATE = 128
"""As many, where no length was planned, so that what most requests have in the cache has to stand for it."""


def cached_share(rows: Rows) -> float | None:
    """The cached among the input tokens, of the requests for which both are known."""
    known = rows[(rows["cached_tokens"] >= 0) & (rows["input_tokens"] >= 0)]
    inputs = int(known["input_tokens"].sum(dtype=np.int64))
    return int(known["cached_tokens"].sum(dtype=np.int64)) / inputs if inputs else None


def beyond_plan(selection: Selection) -> float | None:
    """The share of the input tokens that came from the cache although the plan promises cold prompts; None where it
    does not promise them, or nobody counted. A prefix that was asked for, and what the service puts in front of each
    prompt, are left out, and so are requests that were sent again."""
    prompts = section(selection.header, "prompts")
    cold, ok = prompts.get("cold"), selection.ok
    if not isinstance(cold, int):
        return None
    known = ok[(ok["cached_tokens"] >= 0) & (ok["input_tokens"] >= 0) & (ok["attempt"] == 0)]
    inputs = int(known["input_tokens"].sum(dtype=np.int64))
    if not inputs:
        return None
    cached = known["cached_tokens"].astype(np.int64) - cold - _template(known, prompts)
    return int(np.maximum(cached, 0).sum()) / inputs


def _template(rows: Rows, prompts: dict[str, Any]) -> int:
    """Tokens that stand in front of each prompt: as planned, or what was counted more than was planned."""
    planned = rows[rows["planned_input"] > 0]
    if prompts.get("template"):
        return int(prompts["template"])
    if not planned.size:
        return int(min(np.median(rows["cached_tokens"]), UNPLANNED_TEMPLATE))
    added = np.median(planned["input_tokens"].astype(np.int64) - planned["planned_input"])
    return int(min(max(added, 0), MOST_TEMPLATE))


def why_cached(header: dict[str, Any]) -> str:
    """Why prompts were in the cache, or what keeps them out of it, as the end of a sentence; "" = nothing is known."""
    prompts = section(header, "prompts")
    if prompts.get("named"):
        by = "--seed" if section(header, "config").get("seed") is not None else "the data set's seed"
        return f", as {by} {prompts['seed']} sends the same prompts in each run"
    if prompts.get("cold"):
        return f", of which {prompts['cold']} tokens a prompt are the prefix that was asked for"
    if not prompts or prompts.get("cold") is not None:
        return ""
    if prompts.get("seed") is None:
        return "; --cache-bust first-turn puts a marker in front of rows that were sent before"
    if prompts.get("cache_bust") == "first-turn":
        return ", as what stands in front of the first user message has no marker"
    return ", as prompts begin alike where the data set says so"
