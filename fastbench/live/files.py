"""The status files of a run: `status/<model>--<dataset>.json`, one for each task.

A file holds one snapshot: all that the live view knows. No prompt, no reply, no key.
"""

import os
import time
from enum import StrEnum
from pathlib import Path

import msgspec

from fastbench.errors import UsageError
from fastbench.units import NS_PER_S

DIRECTORY = "status"
FRESH_S = 10.0
"""How old the status of a process on another machine may be."""
STOPPING = (
    "",
    "stopping: waiting for those in flight; Ctrl-C again stops at once",
    "stopping now",
)
"""By how often the user asked to stop, at most twice."""
_STATE, _STARTED = 0, 19
"""Places among the fields behind the name in /proc/PID/stat, see proc(5)."""
_GONE = "ZX"
_Version = tuple[int, int]
"""Of a file: when it was changed, and its number."""


class Owner(msgspec.Struct, frozen=True):
    """A process, told apart from all others that had its number, here or elsewhere."""

    pid: int
    started: int
    """Ticks since the machine started."""
    where: str
    """The start of the machine, and the process name space in it."""

    @property
    def alive(self) -> bool | None:
        """Whether it runs; None where this machine cannot know."""
        return _started(self.pid) == self.started if self.where == _here() else None


def this_process() -> Owner:
    """The one that asks."""
    return Owner(os.getpid(), _started(os.getpid()), _here())


def _here() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {os.readlink('/proc/self/ns/pid')}"


def _started(pid: int) -> int:
    """-1 = there is no such process, or it has ended and nobody has asked how."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return -1
    # The name stands in brackets and may itself hold any of them.
    fields = stat.rpartition(")")[2].split()
    return -1 if fields[_STATE] in _GONE else int(fields[_STARTED])


class Status(StrEnum):
    """How far a task is."""

    NOT_START = "not start"
    START = "start"
    WARMUP = "warmup"
    WARMUP_FINISHED = "warmup finished"
    INFERENCING = "inferencing"
    WRITE_CACHE = "write cache"
    FINISH = "finish"
    ERROR = "error"
    KILLED = "killed"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self in (Status.FINISH, Status.ERROR, Status.KILLED)

    @property
    def active(self) -> bool:
        """Whether the task is being carried out."""
        return not self.final and self is not Status.NOT_START


class Fields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all parts of a snapshot have in common: each field has a default, and is written where it differs."""


class Spread(Fields, frozen=True, kw_only=True):
    """Percentiles of the last seconds, ns; of so many values."""

    p50_ns: int = 0
    p90_ns: int = 0
    p99_ns: int = 0
    count: int = 0


class History(Fields, frozen=True, kw_only=True):
    """One value for each second of the last minutes, the newest at the end; None = nothing to tell."""

    in_flight: tuple[int, ...] = ()
    asked_per_s: tuple[float, ...] = ()
    requests_per_s: tuple[float, ...] = ()
    events_per_s: tuple[float, ...] = ()
    ttft_ns: tuple[int | None, ...] = ()
    """Medians, as the two below."""
    tpot_ns: tuple[int | None, ...] = ()
    itl_ns: tuple[int | None, ...] = ()


class Snapshot(Fields, frozen=True, kw_only=True):
    """A task at one moment. All counts are those of the phase that it is in."""

    task: str
    """`model/dataset`."""
    place: int = 0
    """In the run, from 0."""
    status: Status = Status.NOT_START
    pid: int = 0
    """Of the process that sends; 0 = none yet."""
    owner: Owner
    """Of the process that keeps this snapshot up to date."""
    log: str = ""
    """Its log, below the run's directory; empty = the terminal."""
    url: str = ""
    """Where requests go; empty = not known yet."""
    load: str = ""
    """In words, such as "closed loop, 64 in flight"; empty = not known yet."""
    started: float | None = None
    """Seconds since 1970."""
    updated: float = 0.0
    planned: int | None = None
    """Requests; None = as many as the time allows."""
    duration_ns: int | None = None
    """How long requests begin; None = until all have begun."""
    elapsed_ns: int = 0
    """Since the phase's first request."""
    took_ns: int = 0
    """Since the task's start."""
    to_go_ns: int | None = None
    """None = nobody knows."""
    sent: int = 0
    ok: int = 0
    failed: int = 0
    not_sent: int = 0
    """Dropped: the limit in flight was reached."""
    in_flight: int = 0
    answering: int = 0
    """Of those in flight, those of whose output some has come."""
    overdue: int = 0
    """Requests of an open loop whose time has come, and that wait in the client for a place in flight."""
    growing_per_s: float | None = None
    """By how much those in flight or overdue grow in an open loop; None = they do not."""
    overloaded_ns: int | None = None
    """Since when they grew, or had not been worked off, from the phase's start; None = the service keeps up."""
    stopping: int = 0
    """How often the user asked to stop."""
    failures: dict[str, int] = {}
    """The failed ones by outcome."""
    judged: int = 0
    """Requests that the first SLO has judged, by its clauses that a request alone decides; 0 = there is none."""
    good: int = 0
    """Of them those that keep it."""
    asked_per_s: float | None = None
    """Whose time came in the last seconds; None = a closed loop, which asks for no rate."""
    requests_per_s: float | None = None
    """That ended, in the last seconds."""
    events_per_s: float | None = None
    """Output events, in the last seconds."""
    tokens_per_event: float | None = None
    """Of the requests that ended lately; None = the service told no counts of tokens."""
    ttft: Spread | None = None
    tpot: Spread | None = None
    itl: Spread | None = None
    late_p99_ns: int | None = None
    """By how much the client was late to send, in the last seconds."""
    lag_p99_ns: int | None = None
    """The client's own lag, in the last seconds."""
    stalls: int = 0
    """The client's stalls in the last seconds."""
    history: History = History()

    @property
    def ended(self) -> int:
        """Requests that have their outcome, those never sent among them."""
        return self.ok + self.failed + self.not_sent

    @property
    def extent(self) -> tuple[int, int | None]:
        """How far the phase is, and how far it goes: in requests, or in seconds where only the time is planned."""
        if self.planned is not None or self.duration_ns is None:
            return self.ended, self.planned
        length = max(self.duration_ns // NS_PER_S, 1)
        return min(self.elapsed_ns // NS_PER_S, length), length

    @property
    def counts(self) -> dict[str, int]:
        """POST: requests sent; RECV: replies that came whole; FINISH: those that ended; FAIL: those that failed."""
        return {"POST": self.sent, "RECV": self.ok, "FINISH": self.ended, "FAIL": self.failed}


def encode(snapshot: Snapshot) -> bytes:
    """As a status file holds it."""
    return msgspec.json.encode(snapshot)


def decode(content: bytes) -> Snapshot:
    """Raises msgspec.MsgspecError for anything but a snapshot."""
    return msgspec.json.decode(content, type=Snapshot)


def write(run: Path, name: str, snapshot: Snapshot) -> None:
    """Puts a snapshot into the place of the one before, in one step. Raises OSError."""
    directory = run / DIRECTORY
    directory.mkdir(exist_ok=True)
    path, new = directory / f"{name}.json", directory / f".{name}.new"
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(encode(snapshot))
    new.replace(path)


def last(run: Path, name: str) -> Snapshot | None:
    """What the status file of a task says; None where there is none that can be read."""
    try:
        return decode((run / DIRECTORY / f"{name}.json").read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


class StatusFiles:
    """Reads the status files of one run, each only when it has changed."""

    def __init__(self, run: Path) -> None:
        """Raises UsageError for a directory that is no run's."""
        self._directory = run / DIRECTORY
        self._known: dict[Path, tuple[_Version, Snapshot]] = {}
        if not self._directory.is_dir():
            raise UsageError(
                f"{run} has no status files of a run; name the directory of a run, such as "
                "outputs/default/20260131_120000"
            )

    def read(self) -> list[Snapshot]:
        """All tasks in the order of the run; killed is what a process left behind that is gone.

        Raises UsageError for a file that is no status.
        """
        found = {path: self._read(path) for path in self._directory.glob("[!.]*.json")}
        self._known = {path: known for path, known in found.items() if known is not None}
        snapshots = sorted((snapshot for _, snapshot in self._known.values()), key=lambda snapshot: snapshot.place)
        return [_as_it_is(snapshot) for snapshot in snapshots]

    def _read(self, path: Path) -> tuple[_Version, Snapshot] | None:
        try:
            found = path.stat()
            # Two writes may fall into one tick of the file system's clock; each makes a file of its own.
            version = (found.st_mtime_ns, found.st_ino)
            if path in self._known and self._known[path][0] == version:
                return self._known[path]
            return version, decode(path.read_bytes())
        except FileNotFoundError:
            return None  # the run's directory is being removed
        except msgspec.MsgspecError as error:
            raise UsageError(
                f"{path} is no status of a task ({error}): it was written by another version of fastbench, or changed"
            ) from error


def run_is_over(snapshots: list[Snapshot]) -> bool:
    """Whether no task will change any more: all have ended, or nobody is left to carry them out."""
    return all(snapshot.status.final for snapshot in snapshots) or not any(map(_kept, snapshots))


def _as_it_is(snapshot: Snapshot) -> Snapshot:
    left_behind = snapshot.status.active and not _kept(snapshot)
    return msgspec.structs.replace(snapshot, status=Status.KILLED) if left_behind else snapshot


def _kept(snapshot: Snapshot) -> bool:
    """Whether there still is somebody who keeps it up to date."""
    alive = snapshot.owner.alive
    return time.time() - snapshot.updated < FRESH_S if alive is None else alive
