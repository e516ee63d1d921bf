"""Export as a histogram log (.hlog), which HdrHistogram's own tools read; where requests have classes, also by class.

Format: HistogramLogWriter of github.com/HdrHistogram/HdrHistogram, version 1.3, with V2 compressed histograms.
"""

from __future__ import annotations

import heapq
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fastbench.errors import UsageError
from fastbench.installing import install
from fastbench.metrics import LatencyInterval, Selection, classes_of, latency_intervals
from fastbench.recording import Recording
from fastbench.report.exports.columns import wall_offset_ns
from fastbench.units import NS_PER_MS, NS_PER_S

WIDTH_NS = NS_PER_S
log = logging.getLogger("fastbench")
_LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'


def histogram_log(recording: Recording, *, gaps: bool) -> Iterator[bytes]:
    """Lines of one second each, tagged by their metrics, ITL too if `gaps`; values in ns, Interval_Max in ms. Those of
    one class are tagged by it too: `TTFT:chat`.

    UsageError without the package hdrhistogram.
    """
    _check_package()
    selection = Selection(recording)
    sent = selection.final["sent_ns"]
    sent = sent[sent > 0]
    begin_s = (int(sent.min()) + (wall_offset_ns(recording) or 0)) / NS_PER_S if sent.size else 0.0
    moment = datetime.fromtimestamp(begin_s, UTC).isoformat()
    yield (
        "#[Histogram log format version 1.3]\n"
        f"#[StartTime: {begin_s:.3f} (seconds since epoch), {moment}]\n"
        f"#[BaseTime: {begin_s:.3f} (seconds since epoch)]\n{_LEGEND}\n"
    ).encode()
    everything = _tagged(latency_intervals(selection, WIDTH_NS, gaps=gaps, told=_left_out), "")
    # In the order of time: readers stop at the end of the stretch that they were asked for.
    lines = heapq.merge(everything, *_by_class(selection, gaps), key=lambda one: one[1].begin_ns)
    for tag, (_, begin_ns, histogram) in lines:
        encoded: Any = histogram.to_hdrh().encode()
        greatest = histogram.maximum / NS_PER_MS
        line = f"Tag={tag},{begin_ns / NS_PER_S:.3f},{WIDTH_NS / NS_PER_S:.3f},{greatest:.3f},"
        yield line.encode() + encoded + b"\n"


def _by_class(selection: Selection, gaps: bool) -> Iterator[Iterator[tuple[str, LatencyInterval]]]:
    names = set[str]()
    for one in classes_of(selection, None):
        # A tag ends at a comma or a blank.
        tag = re.sub(r"[,\s]", "_", one.name)
        tag = tag if tag not in names else f"{tag}_{one.number}"
        names.add(tag)
        yield _tagged(latency_intervals(one.selection, WIDTH_NS, gaps=gaps, told=lambda _: None), f":{tag}")


def _tagged(found: Iterator[LatencyInterval], of_class: str) -> Iterator[tuple[str, LatencyInterval]]:
    """With their tags."""
    return ((f"{one.metric}{of_class}", one) for one in found)


def _left_out(fault: str) -> None:
    log.warning("A metric is left out of the export: %s.", fault)


def _check_package() -> None:
    try:
        import hdrh.histogram  # type: ignore[import-untyped]  # noqa: F401  # used by `to_hdrh`; it has no types
    except ImportError as error:
        raise UsageError(
            f"--format hlog needs the package hdrhistogram: {install('hdr')}, or take csv or jsonl"
        ) from error
