"""Latencies and token counts of requests: the functions of rows that metrics are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.samples.selection import Mask, Rows, flagged, output_tokens
from fastbench.recording import SOURCES
from fastbench.units import NS_PER_S

US_PER_MS = 1_000


def e2el_ns(rows: Rows) -> NDArray[np.int64]:
    """(rows,) int64: service time, `end_ns - sent_ns`."""
    return between_ns(rows, "sent_ns", "end_ns")


def ttft_ns(rows: Rows) -> NDArray[np.int64]:
    """(rows,) int64: `first_token_ns - sent_ns`."""
    return between_ns(rows, "sent_ns", "first_token_ns")


def between_ns(rows: Rows, begin: str, end: str) -> NDArray[np.int64]:
    """(rows,) int64: from one moment to another, by the names of their fields."""
    return np.asarray(rows[end] - rows[begin], np.int64)


def tpot_ns(rows: Rows) -> NDArray[np.float64]:
    """(rows,) float64: `(E2EL - TTFT) / (OutputTokens - 1)` where `has_tpot`, less reasoning that was not streamed."""
    return np.asarray((e2el_ns(rows) - ttft_ns(rows)) / np.maximum(streamed_tokens(rows) - 1, 1), np.float64)


def has_tpot(rows: Rows) -> Mask:
    """(rows,): which have more than one output token, and not all of them in one event: that took no time to watch."""
    several: Mask = (streamed_tokens(rows) > 1) & (rows["events"] > 1)
    return several


def streamed_tokens(rows: Rows) -> NDArray[np.int64]:
    """(rows,) int64: output tokens that were streamed, without unstreamed reasoning."""
    return output_tokens(rows) - unstreamed_tokens(rows)


def unstreamed_tokens(rows: Rows) -> NDArray[np.int64]:
    """(rows,) int64: reasoning tokens that usage counts among the output tokens of a reply that streamed none."""
    silent = (rows["reasoning_tokens"] > 0) & ~flagged(rows, "reasoning")
    silent &= rows["output_source"] == SOURCES.index("usage")
    return np.where(silent, rows["reasoning_tokens"], 0).astype(np.int64)


def known_input(rows: Rows) -> Rows:
    """The rows whose input tokens were counted."""
    return rows[rows["input_tokens"] >= 0]


def per_second(amounts: NDArray[Any], ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """(rows,) float64: amounts per second; meaningless where no time was taken."""
    return np.asarray(amounts * float(NS_PER_S) / np.maximum(ns, 1), np.float64)
