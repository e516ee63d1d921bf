"""What differs in the settings of two sides."""

from __future__ import annotations

from fastbench.answers.comparison.model import Difference, Side

VARIES = "differs among the runs"
_IDLE = frozenset({"service.abbr", "service.host_ip", "service.host_port", "data.abbr"})
"""The address stands in the URL, where there is one; names of directories say nothing."""


def differences(base: Side, other: Side) -> tuple[Difference, ...]:
    """The lines that are not the same, in the order of the base's settings; not what differs from run to run on both
    sides."""
    names = dict.fromkeys(name for side in (base, other) for run in side.runs for name in run.config)
    found = ((name, _line(base, name), _line(other, name)) for name in names)
    return tuple(Difference(name, a, b) for name, a, b in found if a != b and not _is_idle(name, base))


def _is_idle(name: str, base: Side) -> bool:
    return name in _IDLE and ("host" not in name or bool(base.runs[0].config.get("service.url")))


def _line(side: Side, name: str) -> str:
    lines = {run.config.get(name, "") for run in side.runs}
    return lines.pop() if len(lines) == 1 else VARIES
