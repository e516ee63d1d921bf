"""What Linux allows this process, and what the machine has: read from the files that say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/")
_GROUPS = "sys/fs/cgroup"


def read(path: Path) -> str | None:
    """The text of a file of the system, without its last line's end; None where there is none to be had."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """The directories of the control groups that limit this process by a controller, the innermost first; of version 2
    and of version 1."""
    for line in (read(root / "proc/self/cgroup") or "").splitlines():
        number, names, place = line.split(":", 2)
        if number != "0" and controller not in names.split(","):
            continue
        top = root / _GROUPS if number == "0" else root / _GROUPS / controller
        inner = top / place.lstrip("/")
        yield inner
        yield from (one for one in inner.parents if one == top or top in one.parents)


class Quota(NamedTuple):
    """A limit on processor time. processors: how many are worth it; throttled: how often the kernel has stopped any for
    it, None = not known."""

    processors: float
    throttled: int | None


def cpu_quota(root: Path = ROOT) -> Quota | None:
    """The tightest one on this process; None = there is none."""
    found = [quota for group in _groups("cpu", root) if (quota := _quota_of(group)) is not None]
    return min(found, default=None)


def _quota_of(group: Path) -> Quota | None:
    text = read(group / "cpu.max")
    if text is None:
        quota, period = read(group / "cpu.cfs_quota_us"), read(group / "cpu.cfs_period_us")
        text = f"{quota} {period}" if quota and period and not quota.startswith("-") else None
    if text is None or text.startswith("max"):
        return None
    quota, period = text.split()
    stat = dict(line.split() for line in (read(group / "cpu.stat") or "").splitlines())
    throttled = stat.get("nr_throttled")
    return Quota(int(quota) / int(period), None if throttled is None else int(throttled))


def free_memory(root: Path = ROOT) -> int | None:
    """Bytes that this process can have without swapping: of the machine, or what its control group leaves; None = not
    known."""
    free = [left for group in _groups("memory", root) if (left := _left_of(group)) is not None]
    for line in (read(root / "proc/meminfo") or "").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            free.append(int(rest.split()[0]) * 1024)
    return min(free, default=None)


def _left_of(group: Path) -> int | None:
    for most, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        limit, now = read(group / most), read(group / used)
        if limit is not None and now is not None and limit != "max":
            stat = dict(line.split() for line in (read(group / "memory.stat") or "").splitlines())
            # Of files that were read: the kernel lets it go first.
            return int(limit) - int(now) + int(stat.get("total_inactive_file", stat.get("inactive_file", 0)))
    return None


def local_ports(root: Path = ROOT) -> int | None:
    """Ports that connections to one address can have; None = not known."""
    text = read(root / "proc/sys/net/ipv4/ip_local_port_range")
    if text is None:
        return None
    low, high = map(int, text.split())
    return high - low + 1


def backlog(root: Path = ROOT) -> int | None:
    """Connections that a service here can have wait to be accepted; None = not known."""
    text = read(root / "proc/sys/net/core/somaxconn")
    return None if text is None else int(text)


def clock_source(root: Path = ROOT) -> str | None:
    """What the kernel reads the time from, such as tsc; None = not known."""
    return read(root / "sys/devices/system/clocksource/clocksource0/current_clocksource")


class Ticks(NamedTuple):
    """Processor time since the machine's start, over all processors. stolen: that other virtual machines had."""

    stolen: int
    all: int


def ticks(root: Path = ROOT) -> Ticks:
    """As they stand now."""
    values = [int(value) for value in (read(root / "proc/stat") or "cpu 0 0 0 0 0 0 0 0").splitlines()[0].split()[1:9]]
    return Ticks(values[7], sum(values))
