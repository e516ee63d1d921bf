"""Checks of the machine that take no load: the build, processors, clock, limits, memory, the directory of results."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from fastbench import __version__
from fastbench.api.doctor.check import Check, Wanted, checked
from fastbench.api.doctor.system import Quota, clock_source, cpu_quota, free_memory, local_ports
from fastbench.api.planning import GAP_BYTES, format_bytes
from fastbench.errors import UsageError
from fastbench.recording import ROW_DTYPE
from fastbench.run import allow_connections, this_machine
from fastbench.units import number, quantity

SLOW_EVENT_NS = 500
"""What a build that is optimised takes a third of at most, on any processor of the last ten years."""
SLOW_CLOCK_NS = 500
"""The clock is read several times for each read of a socket."""
COARSE_CLOCK_NS = 1_000
SLOW_SOURCES = frozenset({"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit", "xen"})
"""Clocks that take a call of the kernel, or count in long steps."""
_TOKEN_BYTES, _LETTERS = 4, 8
"""Of a token in flight: its time; of a prompt's, at most, its text."""
_BASE_BYTES = 150 << 20
"""What a run takes beside what is in flight."""
_READINGS = 2_000


def of_machine(wanted: Wanted) -> Iterator[Check]:
    """All of them, in the order in which they are shown."""
    yield build(this_machine().event_ns())
    yield processors(len(os.sched_getaffinity(0)), cpu_quota())
    yield clock(clock_source(), *_clock_ns())
    yield open_files(wanted)
    yield ports(wanted, local_ports())
    yield memory(wanted, free_memory())
    yield results(wanted)


def build(event_ns: float) -> Check:
    """Whether the core is compiled as it should be. event_ns: CPU time of an output event."""
    where = f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}"
    return checked(
        "Build",
        f"fastbench {__version__}, {where}: reads an output event in {quantity(event_ns)}",
        warns=event_ns > SLOW_EVENT_NS,
        remedy="install a build with optimisation (without FASTBENCH_DEBUG, _SANITIZE, _TSAN, _COVERAGE), or plan for "
        "more --workers",
        event_ns=event_ns,
    )


def processors(usable: int, quota: Quota | None) -> Check:
    """Whether there is one for the thread that sends and reads, and one for the rest. usable: by affinity."""
    found, remedies = f"{usable} usable", []
    if usable < 2:
        remedies.append("give the client two processors (taskset, docker --cpuset-cpus): one sends and reads")
    if quota is not None and quota.processors < usable:
        found += f", with a quota of {quota.processors:.3g} processors' time"
        found += f", which has stopped its processes {number(quota.throttled)} times" if quota.throttled else ""
        remedies.append(
            "lift the quota (Kubernetes: limits.cpu, Docker: --cpus), after which the kernel stops the client for up "
            "to 100 ms; bind it to processors instead (--cpuset-cpus)"
        )
    return checked(
        "Processors",
        found,
        warns=bool(remedies),
        remedy="; ".join(remedies),
        usable=usable,
        quota_processors=None if quota is None else quota.processors,
        throttled=None if quota is None else quota.throttled,
    )


def clock(source: str | None, reading_ns: float, step_ns: float) -> Check:
    """Whether times are cheap and fine. reading_ns: of one reading; step_ns: the least difference of two."""
    slow = source in SLOW_SOURCES or reading_ns > SLOW_CLOCK_NS
    return checked(
        "Clock",
        f"{source or 'source not known'}: read in {quantity(reading_ns)}, in steps of {quantity(step_ns)}",
        fails=step_ns > COARSE_CLOCK_NS,
        warns=slow,
        remedy="let the kernel use tsc or the clock of its hypervisor (clocksource=tsc on its command line, or "
        "/sys/devices/system/clocksource/clocksource0/current_clocksource)",
        source=source,
        reading_ns=reading_ns,
        step_ns=step_ns,
    )


def _clock_ns() -> tuple[float, float]:
    """Of one reading, the best of a few rounds, with what Python takes for it; and the least step."""
    rounds, steps = [], []
    for _ in range(5):
        moments = [time.monotonic_ns() for _ in range(_READINGS)]
        rounds.append((moments[-1] - moments[0]) / (_READINGS - 1))
        steps += [after - before for before, after in pairwise(moments) if after > before]
    return min(rounds), min(steps)


def open_files(wanted: Wanted) -> Check:
    """Whether so many connections can be open, by what a run itself asks."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = "any number" if hard == resource.RLIM_INFINITY else f"{hard:,}"
    found = f"{allowed} allowed, for {wanted.concurrency:,} connections"
    known = None if hard == resource.RLIM_INFINITY else hard
    try:
        allow_connections(wanted.concurrency, certain=True)
    except UsageError as error:
        return checked("Open files", found, fails=True, remedy=str(error), allowed=known)
    return checked("Open files", found, allowed=known)


def ports(wanted: Wanted, there: int | None) -> Check:
    """Whether so many connections to one address have a port each. there: None = not known."""
    found = "not known" if there is None else f"{there:,} for connections to one address"
    few = there is not None and wanted.concurrency > there
    return checked(
        "Local ports",
        found,
        fails=few,
        warns=there is not None and 2 * wanted.concurrency > there,
        remedy='open the range: sysctl -w net.ipv4.ip_local_port_range="1024 65535"',
        ports=there,
    )


def memory(wanted: Wanted, free: int | None) -> Check:
    """Whether what is in flight fits. free: None = not known."""
    each = _TOKEN_BYTES * wanted.output_len + _LETTERS * wanted.input_len
    need = _BASE_BYTES + wanted.concurrency * each
    left = "not known how much is free" if free is None else f"{format_bytes(free)} free"
    return checked(
        "Memory",
        f"{left}, the run takes about {format_bytes(need)}",
        fails=free is not None and need > free,
        warns=free is not None and 2 * need > free,
        remedy="free some, raise the limit of the container, or plan a lower --concurrency",
        free_bytes=free,
        needed_bytes=need,
    )


def results(wanted: Wanted) -> Check:
    """Whether the directory of results can be written, and has room for the recording."""
    need = wanted.requests * (ROW_DTYPE.itemsize + GAP_BYTES * wanted.output_len)
    where = wanted.work_dir.absolute()
    there = next(path for path in (where, *where.parents) if path.exists())
    try:
        _write_in(there)
    except OSError as error:
        why = f"{there} cannot be written ({error.strerror})"
        return checked("Results", why, fails=True, remedy="name a directory that you may write by --work-dir")
    free = shutil.disk_usage(there).free
    return checked(
        "Results",
        f"{wanted.work_dir} can be written: {format_bytes(free)} free, the recording takes about {format_bytes(need)}",
        fails=need > free,
        warns=2 * need > free,
        remedy="make room, or name a directory on another disk by --work-dir",
        free_bytes=free,
        needed_bytes=need,
    )


def _write_in(directory: Path) -> None:
    """Raises OSError where a file in it cannot be written."""
    if not directory.is_dir():
        raise NotADirectoryError(20, "it is a file")
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(b"fastbench")
        file.flush()
        os.fsync(file.fileno())


def accepting(wanted: Wanted, there: int | None) -> Check:
    """Whether a simulated service on this machine can be connected to by all at once. there: None = not known."""
    return checked(
        "Mock's backlog",
        "not known" if there is None else f"{there:,} connections may wait for fastbench mock on this machine",
        warns=there is not None and wanted.concurrency > there,
        remedy=f"for fastbench mock alone: sysctl -w net.core.somaxconn={wanted.concurrency}",
        connections=there,
    )
