"""One task at one moment, as its status file holds it: all that the live view knows. No prompt, no reply, no key."""

from enum import StrEnum

import msgspec

from fastbench.dashboard.owner import Owner


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


class Pair(Fields, frozen=True, kw_only=True):
    """Two percentiles of the last seconds, ns; of so many values."""

    p50_ns: int = 0
    p99_ns: int = 0
    count: int = 0


class History(Fields, frozen=True, kw_only=True):
    """One value for each second of the last minute, the newest at the end; None = nothing to tell."""

    in_flight: tuple[int, ...] = ()
    requests_per_s: tuple[float, ...] = ()
    events_per_s: tuple[float, ...] = ()
    ttft_p99_ns: tuple[int | None, ...] = ()
    itl_p99_ns: tuple[int | None, ...] = ()


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
    growing_per_s: float | None = None
    """By how much the number in flight grows in an open loop; None = it does not."""
    stopping: int = 0
    """How often the user asked to stop."""
    failures: dict[str, int] = {}
    """The failed ones by outcome."""
    requests_per_s: float | None = None
    """That ended, in the last seconds."""
    events_per_s: float | None = None
    """Output events, in the last seconds."""
    ttft: Pair | None = None
    itl: Pair | None = None
    lag_p99_ns: int | None = None
    """The client's own lag, in the last seconds."""
    stalls: int = 0
    """The client's stalls in the last seconds."""
    history: History = History()

    @property
    def ended(self) -> int:
        """Requests that have their outcome, those never sent among them."""
        return self.ok + self.failed + self.not_sent


def encode(snapshot: Snapshot) -> bytes:
    """As a status file holds it."""
    return msgspec.json.encode(snapshot)


def decode(content: bytes) -> Snapshot:
    """Raises msgspec.MsgspecError for anything but a snapshot."""
    return msgspec.json.decode(content, type=Snapshot)
