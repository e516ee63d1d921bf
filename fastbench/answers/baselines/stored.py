"""The file of a baseline.

An array is one string, `<shape>:<type>:<base64 of its zlib-compressed little-endian bytes>`, such as `48x612:u2:eJ…`.
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from fastbench.answers.comparison import Distribution, Ratio, RunSummary
from fastbench.answers.statistics import LEAST_BLOCKS, LOG_BINS
from fastbench.errors import RecordingError, UsageError

VERSION = 1
FORMAT = "fastbench-baseline"
LIMIT = 200_000
"""Bytes of a file."""
PERCENTILES = (*(f"P{percent}" for percent in range(1, 100)), "P99.5", "P99.9", "P99.99")
"""Those that a baseline has exactly, beside the deciles."""
_MOST_BYTES = 1 << 24
"""Of one array."""
_UNSIGNED = ("<u1", "<u2", "<u4", "<u8")


class _Head(msgspec.Struct, frozen=True):
    """What every version has."""

    format: Literal["fastbench-baseline"]
    version: int


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """saved: when, ISO 8601. fastbench: the version that saved it. runs: without the columns of single requests, and
    without where they came from, which is of no use elsewhere."""

    format: str = FORMAT
    version: int = VERSION
    name: str
    saved: str
    fastbench: str
    runs: tuple[RunSummary, ...]


def encode_baseline(baseline: Baseline, limit: int = LIMIT) -> bytes:
    """At most `limit` bytes: where it would be more, neighbouring blocks of time are added up, which makes intervals a
    little wider and moves no number. UsageError where that is not enough."""
    runs = tuple(replace(run, source="", columns=None) for run in baseline.runs)
    while True:
        content = _encoded(msgspec.structs.replace(baseline, runs=runs))
        if len(content) <= limit:
            return content
        fewer = tuple(map(_halved, runs))
        if fewer == runs:
            count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
            way_out = "save a part of it by --window" if len(runs) == 1 else "save fewer runs"
            raise UsageError(
                f"a baseline of {count} has {len(content):,} bytes, more than the {limit:,} that it may have: {way_out}"
            )
        runs = fewer


def _encoded(baseline: Baseline) -> bytes:
    return msgspec.json.format(msgspec.json.encode(baseline, enc_hook=_to_text), indent=1) + b"\n"


def decode_baseline(content: bytes, place: str) -> Baseline:
    """place: of the file, in messages. RecordingError for what is no baseline, or one of a newer version."""
    try:
        head = msgspec.json.decode(content, type=_Head)
        if head.version > VERSION:
            raise RecordingError(
                f"{place} is a baseline of version {head.version}, and this fastbench reads up to {VERSION}: update it"
            )
        baseline = msgspec.json.decode(content, type=Baseline, dec_hook=_from_text)
        for run in baseline.runs:
            _check(run)
    except (msgspec.MsgspecError, ValueError) as error:
        raise RecordingError(f"{place} is no baseline: {error}; save it again") from error
    if not baseline.runs:
        raise RecordingError(f"{place} is a baseline without a run; save it again")
    return baseline


def _to_text(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(type(value).__name__)
    kind = "<f8"
    if value.dtype.kind in "iu":
        greatest = int(value.max(initial=0))
        kind = next(one for one in _UNSIGNED if greatest < 1 << (8 * np.dtype(one).itemsize))
    data = base64.b64encode(zlib.compress(np.ascontiguousarray(value, kind).tobytes(), 9)).decode()
    return f"{'x'.join(map(str, value.shape))}:{kind[1:]}:{data}"


def _from_text(wanted: Any, text: Any) -> NDArray[Any]:
    """Raises ValueError."""
    shape_text, kind, data = str(text).split(":")
    shape = tuple(map(int, shape_text.split("x")))
    dtype = np.dtype(f"<{kind}") if f"<{kind}" in (*_UNSIGNED, "<f8") else None
    if dtype is None or min(shape) < 0 or math.prod(shape) * dtype.itemsize > _MOST_BYTES:
        raise ValueError(f"an array of {shape_text[:40]} {kind[:8]} cannot be")
    try:
        unpacked = zlib.decompressobj().decompress(base64.b64decode(data, validate=True), _MOST_BYTES)
    except (zlib.error, binascii.Error) as error:
        raise ValueError(f"an array cannot be unpacked: {error}") from error
    # Of `numpy.ndarray[shape, dtype[kind]]` the kind.
    (as_kind,) = get_args(get_args(wanted)[1])
    return np.frombuffer(unpacked, dtype).reshape(shape).astype(as_kind)


def _check(run: RunSummary) -> None:
    """Raises ValueError for arrays that do not fit together."""
    for one in run.distributions.values():
        counts = one.counts
        if counts.ndim != 2 or not counts.size or counts.min() < 0 or one.block_s < 0:
            raise ValueError(f"the counts of {one.name} cannot be")
        if not 0 <= one.first_bin <= LOG_BINS - counts.shape[1]:
            raise ValueError(f"the bins of {one.name} cannot be")
    for ratio in run.ratios.values():
        if ratio.sums.ndim != 1 or ratio.sums.shape != ratio.sizes.shape or not ratio.sums.size:
            raise ValueError(f"the blocks of {ratio.name} cannot be")


def _halved(run: RunSummary) -> RunSummary:
    """With half as many blocks of time, as far as enough are left; the very same run where there are not."""
    distributions = {name: _halved_distribution(one) for name, one in run.distributions.items()}
    ratios = {name: _halved_ratio(one) for name, one in run.ratios.items()}
    same = all(one is run.distributions[name] for name, one in distributions.items())
    if same and all(one is run.ratios[name] for name, one in ratios.items()):
        return run
    return replace(run, distributions=distributions, ratios=ratios)


def _halved_distribution(one: Distribution) -> Distribution:
    if one.counts.shape[0] < 2 * LEAST_BLOCKS:
        return one
    return replace(one, counts=_added(one.counts), block_s=2 * one.block_s)


def _halved_ratio(one: Ratio) -> Ratio:
    if one.sums.size < 2 * LEAST_BLOCKS:
        return one
    return replace(one, sums=_added(one.sums), sizes=_added(one.sizes))


def _added(blocks: NDArray[Any]) -> NDArray[Any]:
    """Neighbouring rows added up; the last one of an odd number goes to the last pair."""
    starts = np.arange(0, blocks.shape[0] // 2 * 2, 2)
    return np.asarray(np.add.reduceat(blocks, starts, axis=0))


def same_workload(runs: Sequence[RunSummary]) -> bool:
    """Whether all runs sent the same."""
    return len({run.workload.digest for run in runs}) == 1
