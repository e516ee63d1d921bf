"""One time axis for the parts of a recording: of different hosts, and of the legs of a resumed run.

The pauses between legs are cut out. A leg's header says by `resumes_ns` at which moment of the axis its first intended
time stands: where the plan has it in an open loop, else right behind the last moment recorded before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.recording.format import NOT_FINAL
from fastbench.recording.reading.part import Part

_MOMENTS = (
    *("intended_ns", "tried_ns", "sent_ns", "headers_ns", "first_token_ns", "answer_ns", "last_token_ns"),
    *("record_ns", "end_ns", "message_ns"),
)
_Moments = NDArray[np.int64]


class Reading(NamedTuple):
    """A host's clock against the coordinator's, as it was found at `mono_ns` of its own monotonic clock.

    zero_ns: where the monotonic clock's zero lies on the coordinator's wall clock. bound_ns: how far that may be off,
    None = not known. by: how it was found, in words.
    """

    mono_ns: int
    zero_ns: int
    bound_ns: int | None
    by: str


class Axis:
    """The time axis of a recording: the first part's monotonic clock; where several hosts wrote it, the coordinator's
    clock counted from the first part's zero.

    hosts: how many wrote it. bound_ns: how far two of their clocks may be apart on it; None = not known. by: how that
    was found.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        # A part whose header is lost is taken for one of the usual host's.
        self._usual = next((host for part in parts if (host := _host(part))), None)
        of_hosts: dict[object, list[tuple[Reading, ...]]] = {}
        for part in parts:
            of_hosts.setdefault(self._host(part), []).append(_readings(part))
        self.hosts = len(of_hosts)
        # One clock a host, however many parts it wrote: the one that is known best.
        self._clocks = {host: min(found, key=_bound_or_most) for host, found in of_hosts.items()}
        self._zero_ns = self._clocks[self._host(parts[0])][0].zero_ns
        bounds = [_bound(readings) for readings in self._clocks.values()]
        known = sorted(bound for bound in bounds if bound is not None)
        self.bound_ns = sum(known[-2:]) if len(known) == len(bounds) else None
        self.by = ", ".join(dict.fromkeys(readings[0].by for readings in self._clocks.values()))

    @property
    def still(self) -> bool:
        """Whether every moment stands where its own clock had it."""
        return self.hosts == 1

    def shift(self, part: Part, moments: _Moments) -> _Moments:
        """The shift of moments, (n,) ns of a part's clock, onto the axis: (n,) ns, 0 where one host wrote all."""
        if self.hosts == 1:
            return np.zeros(moments.shape, np.int64)
        first, *later = self._clocks[self._host(part)]
        shift = np.full(moments.shape, first.zero_ns - self._zero_ns, np.int64)
        for last in later:
            drift = (last.zero_ns - first.zero_ns) / max(1, last.mono_ns - first.mono_ns)
            shift += np.rint((moments - first.mono_ns) * drift).astype(np.int64)
        return shift

    def rows(self, part: Part) -> NDArray[np.void]:
        """The rows of a part. All moments of one are moved alike, so that no latency depends on another host."""
        rows = part.table.rows
        if self.still:
            return rows
        rows = rows.copy()
        shift = self.shift(part, np.where(rows["sent_ns"] > 0, rows["sent_ns"], rows["intended_ns"]))
        for name in _MOMENTS:
            rows[name] += np.where(rows[name] != 0, shift, 0)
        return rows

    def moment(self, part: Part, moment_ns: int) -> int:
        """One moment of a part's clock on the axis; 0, which did not happen, stays 0."""
        return moment_ns + int(self.shift(part, np.array([moment_ns]))[0]) if moment_ns else 0

    def shift_at_start(self, part: Part) -> int:
        """`shift` for moments that need not be exact to more than what the clocks drift apart in a run."""
        return 0 if self.hosts == 1 else self._clocks[self._host(part)][0].zero_ns - self._zero_ns

    def health(self, part: Part) -> list[dict[str, Any]]:
        """A part's health records, with their moments on the axis."""
        return [self._record(part, record) for record in part.health]

    def _host(self, part: Part) -> object:
        return _host(part) or self._usual

    def _record(self, part: Part, record: Mapping[str, Any]) -> dict[str, Any]:
        if self.still:
            return dict(record)
        moved = {**record, "t_ns": self.moment(part, int(record.get("t_ns", 0)))}
        if "stalls" in record:
            moved["stalls"] = [[self.moment(part, int(start)), length] for start, length in record["stalls"]]
        return moved


class LegsAxis(Axis):
    """The axis of several legs. Each has clocks of its own: the host may have been started anew in between."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._axes = {leg: Axis([part for part in parts if leg_of(part) == leg]) for leg in sorted(map(leg_of, parts))}
        self.hosts = max(axis.hosts for axis in self._axes.values())
        bounds = [axis.bound_ns for axis in self._axes.values() if axis.hosts > 1]
        known = [bound for bound in bounds if bound is not None]
        self.bound_ns = max(known, default=0) if len(known) == len(bounds) else None
        self.by = ", ".join(dict.fromkeys(axis.by for axis in self._axes.values() if axis.hosts > 1))
        self._later = {leg: self._later_by(leg, parts) for leg in self._axes}

    @property
    def still(self) -> bool:
        return False

    def shift(self, part: Part, moments: _Moments) -> _Moments:
        leg = leg_of(part)
        return self._axes[leg].shift(part, moments) + self._later[leg]

    def shift_at_start(self, part: Part) -> int:
        leg = leg_of(part)
        return self._axes[leg].shift_at_start(part) + self._later[leg]

    def _later_by(self, leg: int, parts: Sequence[Part]) -> int:
        """The shift of a leg's moments to follow the leg before, ns."""
        resumes_ns = next((part.header.get("resumes_ns") for part in parts if leg_of(part) == leg), None)
        firsts = []
        for part in parts:
            rows = part.table.rows
            intended = rows["intended_ns"][(rows["flags"] & NOT_FINAL == 0) & (rows["intended_ns"] > 0)]
            if leg_of(part) == leg and intended.size:
                firsts.append(self._axes[leg].moment(part, int(intended.min())))
        return int(resumes_ns) - min(firsts) if resumes_ns is not None and firsts else 0


def leg_of(part: Part) -> int:
    """The number of the leg that a part belongs to, from 0."""
    return int(part.header.get("leg", 0))


def axis_of(parts: Sequence[Part]) -> Axis:
    """The time axis of a recording of these parts."""
    return LegsAxis(parts) if any(map(leg_of, parts)) else Axis(parts)


def clock_record(reading: Reading, header: Mapping[str, Any]) -> dict[str, Any]:
    """`clock` of a header or a footer. offset_ns: by how much this host's wall clock, as it was at the header and
    carried on by the monotonic one, is ahead of the coordinator's."""
    return {
        "mono_ns": reading.mono_ns,
        "offset_ns": int(header["wall_ns"]) - int(header["mono_ns"]) - reading.zero_ns,
        "bound_ns": reading.bound_ns,
        "by": reading.by,
    }


def _host(part: Part) -> object:
    """The id of the host's monotonic clock, which restarts with each boot."""
    host = part.header.get("host") or {}
    return host.get("boot_id") or host.get("name")


def _readings(part: Part) -> tuple[Reading, ...]:
    """Readings of the part's clock: from its beginning and, if there is one, its end."""
    header, ended = part.header, (part.footer or {}).get("clock")
    wall_ns, mono_ns = int(header.get("wall_ns", 0)), int(header.get("mono_ns", 0))
    first = _reading(wall_ns - mono_ns, mono_ns, header.get("clock") or {})
    if not ended or int(ended.get("mono_ns", 0)) <= mono_ns:
        return (first,)
    return first, _reading(wall_ns - mono_ns, int(ended["mono_ns"]), ended)


def _reading(wall_zero_ns: int, mono_ns: int, clock: Mapping[str, Any]) -> Reading:
    bound = clock.get("bound_ns")
    zero = wall_zero_ns - int(clock.get("offset_ns", 0))
    return Reading(mono_ns, zero, None if bound is None else int(bound), str(clock.get("by", "their own wall clocks")))


def _bound(readings: Sequence[Reading]) -> int | None:
    bounds = [reading.bound_ns for reading in readings if reading.bound_ns is not None]
    return max(bounds) if len(bounds) == len(readings) else None


def _bound_or_most(readings: Sequence[Reading]) -> float:
    bound = _bound(readings)
    return float("inf") if bound is None else bound
