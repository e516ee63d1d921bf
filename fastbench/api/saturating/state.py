"""A search on disk: what it asks, then each visit that is over, a line of JSON each, so that it can go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from fastbench.answers.capacity import Looked, Purpose, Seen, Step
from fastbench.api.saturating.pilot import Visited
from fastbench.errors import RecordingError, UsageError

STATE = "saturate.jsonl"


class State(NamedTuple):
    """head: what the search asks. visited: in their order."""

    head: Mapping[str, Any]
    visited: tuple[Visited, ...]


def begin_state(directory: Path, head: Mapping[str, Any]) -> None:
    """Writes what is asked. Raises RecordingError."""
    _write(directory / STATE, head, "xb")


def add_visit(directory: Path) -> Callable[[Visited], None]:
    """What writes a visit that is over."""
    return lambda visited: _write(directory / STATE, visit_record(visited), "ab")


def read_state(directory: Path) -> State:
    """Raises UsageError where the run is no search, RecordingError where its file is damaged."""
    path = directory / STATE
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        raise UsageError(
            f"--reuse {directory.name}: it is no search of `fastbench saturate`: {path} is missing"
        ) from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    # The last line may have been cut off.
    records = [msgspec.json.decode(line) for line in lines if line.endswith(b"\n")]
    if not records:
        raise RecordingError(f"{path} is empty: start a new search, without --reuse")
    return State(records[0], tuple(_visited(record, directory) for record in records[1:]))


def visit_record(visited: Visited) -> dict[str, Any]:
    """A visit as plain JSON."""
    step, looked = visited.step, visited.looked
    seen = looked.seen
    return {
        "level": step.level,
        "purpose": step.purpose.value,
        "visit": step.visit,
        "rate": step.rate,
        "recording": "/".join(visited.recording.parts[-3:]),
        "changed_ns": visited.changed_ns,
        "begin_ns": looked.begin_ns,
        "block_ns": looked.block_ns,
        "tokens_per_s": looked.tokens_per_s,
        "busy": visited.busy,
        "spent_ns": visited.spent_ns,
        "seen": {
            "requests": seen.requests.tolist(),
            "good": seen.good.tolist(),
            "ended_per_s": seen.ended_per_s.tolist(),
            "e2el_ns": seen.e2el_ns,
            "measured_ns": seen.measured_ns,
            "clear": seen.clear,
            "behind": seen.behind,
            "client_limited": seen.client_limited,
        },
    }


def _visited(record: Mapping[str, Any], directory: Path) -> Visited:
    seen = record["seen"]
    requests = np.array(seen["requests"], np.float64)
    return Visited(
        Step(record["level"], Purpose(record["purpose"]), record["visit"], record["rate"]),
        directory / record["recording"],
        record["changed_ns"],
        Looked(
            record["begin_ns"],
            record["block_ns"],
            Seen(
                requests,
                np.array(seen["good"], np.float64).reshape(-1, requests.size),
                np.array(seen["ended_per_s"], np.float64),
                seen["e2el_ns"],
                seen["measured_ns"],
                clear=seen["clear"],
                behind=seen["behind"],
                client_limited=seen["client_limited"],
            ),
            record["tokens_per_s"],
        ),
        record["spent_ns"],
        record["busy"],
    )


def _write(path: Path, record: Mapping[str, Any], mode: str) -> None:
    try:
        with path.open(mode) as file:
            file.write(msgspec.json.encode(record) + b"\n")
    except OSError as error:
        raise RecordingError(f"{path} cannot be written: {error.strerror}") from error
