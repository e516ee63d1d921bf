"""The shape of JSON blocks, checked on reading: recordings from elsewhere may hold anything."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from fastbench.recording.format import Kind

_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
_Moment = Annotated[int, msgspec.Meta(ge=-(2**62), lt=2**62)]
_Tokens = Annotated[int, msgspec.Meta(ge=-1, lt=2**31)]
_Record = dict[str, Any]


class _Share(msgspec.Struct):
    number: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0
    of: Annotated[int, msgspec.Meta(ge=1, lt=2**16)] = 1


class _Host(msgspec.Struct):
    name: str | None = None
    boot_id: str | None = None


class _Clock(msgspec.Struct):
    mono_ns: _Moment = 0
    offset_ns: _Moment = 0
    bound_ns: _Count | None = None
    by: str = ""


class _Load(msgspec.Struct):
    planned: _Count | None = None
    concurrency: _Count | None = None
    rate: float | None = None
    kind: str | None = None
    arrival: str | None = None


class _Header(msgspec.Struct):
    mono_ns: _Moment = 0
    wall_ns: _Moment = 0
    host: _Host | None = None
    task: dict[str, str] = {}
    service: _Record = {}
    share: _Share | None = None
    leg: Annotated[int, msgspec.Meta(ge=0, lt=2**16)] = 0
    resumes_ns: _Moment | None = None
    start_at_ns: _Moment | None = None
    clock: _Clock | None = None
    load: _Load = msgspec.field(default_factory=_Load)
    config: _Record = {}
    tokens_per_word: float = 1.0


class _Health(msgspec.Struct):
    t_ns: _Moment = 0
    in_flight: _Count = 0
    reads: _Count = 0
    unstamped_reads: _Count = 0
    turns: _Count = 0
    starved: _Count = 0
    cpu_ns: _Count = 0
    ordinary_ns: _Count = 0
    real_time_ns: _Count = 0
    lag: list[tuple[_Count, _Count]] = []
    stalls: list[tuple[_Moment, _Count]] = []


class _State(msgspec.Struct):
    rows: _Count = 0
    lost: _Count = 0
    error: str | None = None


class _Footer(msgspec.Struct):
    planned: _Count | None = None
    finished_ns: _Moment | None = None
    interrupted: bool = False
    reason: str | None = None
    dropped: _Count | None = None  # of older recordings
    client: _Record | None = None
    recording: _State | None = None
    clock: _Clock | None = None


class _Counted(msgspec.Struct):
    request: list[_Count]
    input_tokens: list[_Tokens]
    output_tokens: list[_Tokens]

    def __post_init__(self) -> None:
        if not len(self.request) == len(self.input_tokens) == len(self.output_tokens):
            raise ValueError("its lists are not of one length")


class _Checked(msgspec.Struct):
    request: list[_Count]
    faults: list[tuple[_Count, str]]


_TYPES: dict[int, Any] = {
    Kind.HEADER: _Header,
    Kind.HEALTH: _Health,
    Kind.FOOTER: _Footer,
    Kind.COUNTED: _Counted,
    Kind.SCRAPE: _Record,
    Kind.CHECKED: _Checked,
}


def read_record(payload: bytes, kind: int) -> _Record:
    """The JSON object of a block. msgspec.DecodeError or UnicodeDecodeError where it is none, or not
    of its shape."""
    record: _Record = msgspec.json.decode(payload, type=_Record)
    msgspec.convert(record, _TYPES[kind])
    return record
