"""The files of a report. Each is replaced whole: a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from fastbench import __version__
from fastbench.errors import RecordingError
from fastbench.metrics import Metrics, Parameter, ServiceVerdict, StructuredOutput, Table
from fastbench.report.cells import cell, plain
from fastbench.report.statements import measurement, service_statement

CONFIDENCE = 0.95
"""Of the intervals."""


def parameters_csv(metrics: Metrics) -> bytes:
    """The table "Performance Parameters" as csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([Table.PERFORMANCE.value, "Stage", *metrics.stats, "N"])
    for row in metrics.parameters:
        values = [cell(row.values[name], row.unit) for name in metrics.stats]
        writer.writerow([row.name, metrics.stage, *values, row.n])
    return text.getvalue().encode()


def common_json(metrics: Metrics) -> bytes:
    """The table "Common Metric" as json: counts as numbers, the others as text with their unit."""

    def value(number: Any, unit: str) -> Any:
        return cell(number, unit) if unit and number is not None else plain(number)

    return to_json({row.name: {metrics.stage: value(row.value, row.unit)} for row in metrics.common})


def trust_json(metrics: Metrics) -> bytes:
    """Everything else that the report knows, as numbers."""
    marked = {row.name: row.marked for row in (*metrics.parameters, *metrics.further) if row.marked}
    parts = {
        "stage": metrics.stage,
        "verdict": metrics.verdict.word,
        "reasons": metrics.verdict.sentences,
        "invalid_because": metrics.verdict.reasons,
        "measurement": " ".join(measurement(metrics)),
        "service": {"statement": service_statement(metrics), **_service(metrics.kept_up)},
        "stages": metrics.stages,
        "outcomes": metrics.outcomes,
        "not_sent": metrics.not_sent,
        "finish_reasons": metrics.finish_reasons,
        **({"structured_output": _structured(metrics.structured)} if metrics.structured else {}),
        "further": [_without_intervals(row) for row in metrics.further],
        "failures": metrics.failures,
        "load": metrics.load,
        "client": metrics.client,
        "effect": metrics.effect,
        "output": metrics.output,
        "too_few_samples": marked,
        "uncertain": {row.name: row.unsure for row in metrics.parameters if row.unsure},
        "bounds": {row.name: row.bounds for row in metrics.parameters if row.bounds},
        "notes": metrics.notes,
    }
    return to_json(parts)


def _structured(found: StructuredOutput) -> dict[str, Any]:
    return {"share": found.share, **msgspec.structs.asdict(found)}


def _service(found: ServiceVerdict) -> dict[str, Any]:
    """Its numbers; how many waited only where it is known."""
    known = msgspec.structs.asdict(found)
    return {name: value for name, value in known.items() if name != "waiting" or value is not None}


def _without_intervals(row: Parameter) -> dict[str, Any]:
    """A row as this file has it; intervals stand in one of their own."""
    return {name: value for name, value in msgspec.structs.asdict(row).items() if name not in ("intervals", "blocks")}


def answers_json(metrics: Metrics) -> bytes:
    """How sure the numbers are, and what else was asked of them."""
    parts = {
        "stage": metrics.stage,
        "confidence": CONFIDENCE,
        "intervals": {
            row.name: {"blocks": row.blocks, **row.intervals}
            for row in (*metrics.parameters, *metrics.further)
            if row.unit and row.samples
        },
        "slos": [{**msgspec.structs.asdict(one), "answer": one.word} for one in metrics.slos],
        "assertions": [{**msgspec.structs.asdict(one), "answer": one.word} for one in metrics.assertions],
        "smoothness": metrics.smoothness,
        **({"dialects": metrics.by_tool} if metrics.by_tool else {}),
    }
    return to_json(parts)


def replace(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Puts `content` at `path` at once; RecordingError when that cannot be. mode: before the umask."""
    with replacing(path, mode) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write; it takes its place at `path` when the block ends well, and goes when it does not.

    RecordingError when it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode)
        try:
            with open(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)  # it is still there when something went wrong
    except OSError as error:
        raise RecordingError(f"the report {path} cannot be written: {error.strerror}") from error


FORMAT = 1
"""Of documents; one that a reader of this one would misread has the next number."""


def document_json(kind: str, content: Mapping[str, Any]) -> bytes:
    """What `--json` writes: what it is, who wrote it, then the content."""
    return to_json({"kind": kind, "format": FORMAT, "fastbench": __version__, **content})


def to_json(value: Any) -> bytes:
    """A report's value as the text of a json file."""
    return msgspec.json.format(msgspec.json.encode(value), indent=4) + b"\n"
