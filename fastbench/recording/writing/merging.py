"""Merges shards of one run that were recorded separately: their files, linked or copied, become its parts."""

from __future__ import annotations

import contextlib
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from fastbench.errors import RecordingError, UsageError
from fastbench.recording.format import REQUESTS, TEXTS, Kind, part_number, part_path, part_paths, read_head
from fastbench.recording.records import read_record
from fastbench.recording.writing.files import has_writer, sync_directory
from fastbench.units import NS_PER_S

_SAME = ("fastbench", "task", "service", "load", "stamps", "tokens_per_word", "config")
"""Header fields that all shards of a plan have in common."""
_OWN = ("config.workers", "config.debug", "config.work_dir")
"""Parts of them that may differ."""
_APART_NS = NS_PER_S
"""How far the shards' starts may be apart: `+30s` counts from the start of each command."""
_MOST = 4 << 20
"""Both copies of a header are in the first bytes."""


class PartFile(NamedTuple):
    """One file of a recording. leg: 0, or how often its run was resumed before."""

    path: Path
    header: dict[str, Any]

    @property
    def number(self) -> int:
        """Of its share."""
        return int(self.header.get("share", {}).get("number", 0))

    @property
    def of(self) -> int:
        """How many shares there are."""
        return int(self.header.get("share", {}).get("of", 1))

    @property
    def leg(self) -> int:
        """0, or how often its run had been resumed."""
        return int(self.header.get("leg", 0))

    @property
    def texts(self) -> Path:
        """The file of its output texts, if they were kept."""
        return part_path(self.path.parent, TEXTS, part_number(self.path))


def part_files(directory: Path) -> list[PartFile]:
    """The files of a recording. RecordingError for one that is still written, or whose header is damaged."""
    return [PartFile(path, _header(path)) for path in part_paths(directory)]


def check_parts(files: Sequence[PartFile]) -> list[int]:
    """The numbers of the shares that are missing. UsageError for files that are not shares of one plan."""
    first = files[0]
    if first.of == 1:
        raise UsageError(f"{first.path.parent} is a whole run, not a shard: there is nothing to merge it with")
    seen: dict[tuple[int, int], PartFile] = {}
    for file in files:
        if file.of != first.of:
            raise UsageError(f"{file.path} is one of {file.of} shards, {first.path} one of {first.of}")
        for name in _SAME:
            for difference in _differences(name, first.header.get(name), file.header.get(name)):
                raise UsageError(
                    f"{first.path} and {file.path} are shards of different runs: {difference}; name the "
                    "shards of one run"
                )
        _check_start(first, file)
        double = seen.setdefault((file.leg, file.number), file)
        if double is not file:
            raise UsageError(f"{double.path} and {file.path} are both shard {file.number}: leave one of them out")
    return sorted(set(range(first.of)) - {file.number for file in files})


def _check_start(first: PartFile, file: PartFile) -> None:
    begins = [begin for one in (first, file) if (begin := one.header.get("start_at_ns")) is not None]
    if len(begins) == 2 and abs(begins[0] - begins[1]) > _APART_NS:
        times = " and ".join(
            datetime.fromtimestamp(begin / NS_PER_S, UTC).isoformat("T", "milliseconds") for begin in begins
        )
        raise UsageError(
            f"{first.path} and {file.path} started at different times: --start-at was {times}; send the shards "
            "again with one common time"
        )


def merge(files: Sequence[PartFile], directory: Path) -> None:
    """Makes the recording of all these files in a new directory. RecordingError where that cannot be."""
    try:
        directory.mkdir(mode=0o700, parents=True)
        for part, file in enumerate(sorted(files, key=lambda file: (file.leg, file.number))):
            _place(file.path, part_path(directory, REQUESTS, part))
            if file.texts.exists():
                _place(file.texts, part_path(directory, TEXTS, part))
        sync_directory(directory)
    except OSError as error:
        raise RecordingError(
            f"the merged recording {directory} cannot be written ({error.strerror}): give another --output"
        ) from error


def _place(source: Path, target: Path) -> None:
    """The same file under another name; on another file system, or where links are refused, a copy of it."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        shutil.copyfile(source, target, follow_symlinks=False)
        target.chmod(0o600)


def _header(path: Path) -> dict[str, Any]:
    """The header, from either of its two copies."""
    try:
        if has_writer(path):
            raise RecordingError(f"{path} is still being written: wait for the end of its run")
        with path.open("rb") as file:
            start = memoryview(file.read(_MOST))
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    head = read_head(start, 0)
    while head is not None and head.kind == Kind.HEADER:
        payload = start[head.start : head.end]
        if zlib.crc32(payload) == head.payload_crc:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):  # no header: damaged, as below
                return read_record(bytes(payload), Kind.HEADER)
        head = read_head(start, head.end)
    raise RecordingError(f"the header of {path} is damaged: the run that it belongs to is unknown")


def _differences(path: str, ours: object, theirs: object) -> Iterator[str]:
    """The differences of two values, a clause each."""
    if path in _OWN:
        return
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in dict.fromkeys((*ours, *theirs)):
            yield from _differences(f"{path}.{name}", ours.get(name), theirs.get(name))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for place, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(f"{path}[{place}]", our, their)
    elif ours != theirs:
        yield f"{path} is {ours!r} and {theirs!r}"
