"""What the ends of several parts of one recording say together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

_HIGHEST = ("longest_stall_ns", "peak_in_flight")
"""Counters of which the highest counts, not the sum."""


def footer_of(footers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One footer for parts that each have one."""
    first = next((footer["reason"] for footer in footers if footer.get("reason")), None)
    return {
        "planned": _sum(footers, "planned"),
        "finished_ns": max(int(footer.get("finished_ns") or 0) for footer in footers),
        "interrupted": any(footer.get("interrupted") for footer in footers),
        "reason": first,
        "dropped": _sum(footers, "dropped"),
        "client": _added([footer.get("client") or {} for footer in footers]),
        "recording": _added([footer.get("recording") or {} for footer in footers]),
    }


def _sum(footers: Iterable[dict[str, Any]], name: str) -> int:
    return sum(int(footer.get(name) or 0) for footer in footers)


def _added(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Numbers added up, dicts entry by entry; of anything else the first that is there."""
    added: dict[str, Any] = {}
    for name in dict.fromkeys(name for record in records for name in record):
        values = [record[name] for record in records if record.get(name) is not None]
        if not values:
            added[name] = None
        elif all(isinstance(value, dict) for value in values):
            added[name] = _added(values)
        elif all(isinstance(value, int | float) for value in values):
            added[name] = max(values) if name in _HIGHEST else sum(values)
        else:
            added[name] = values[0]
    return added
