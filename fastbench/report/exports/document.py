"""The whole result of tasks as one JSON document: what `--json` of `perf` and `recalc` writes (docs/cli.md)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from fastbench.metrics import Metrics, Parameter
from fastbench.report.class_tables import classes_json
from fastbench.report.files import answers_json, document_json, trust_json
from fastbench.report.published import Published


class ReportedTask(NamedTuple):
    """A task with its report. name: model and data set; published: None = it came to none; fault: what went wrong, a
    sentence."""

    name: str
    recording: Path
    published: Published | None
    fault: str = ""


def result_json(tasks: Iterable[ReportedTask], code: int) -> bytes:
    """The document. code: the command's exit code."""
    return document_json("result", {"code": code, "tasks": [_task(task) for task in tasks]})


def _task(task: ReportedTask) -> dict[str, Any]:
    known = {"name": task.name, "recording": str(task.recording), "fault": task.fault or None}
    return known if task.published is None else {**known, **_reported(task.published)}


def _reported(published: Published) -> dict[str, Any]:
    metrics, subject = published.metrics, published.answer.subject
    return {
        "url": subject.url,
        "model": subject.model,
        "dataset": subject.dataset,
        "begun": subject.created,
        "load": subject.load,
        "stage": metrics.stage,
        "window": metrics.window,
        "verdict": metrics.verdict.word,
        "sentence": published.answer.text,
        "requests": {"planned": sum(metrics.outcomes.values()), "ok": metrics.success, "not_sent": metrics.not_sent},
        "metrics": {row.name: _figures(row) for row in (*metrics.parameters, *metrics.further)},
        "common": {row.name: {"value": row.value, "unit": row.unit} for row in metrics.common},
        "trust": msgspec.Raw(trust_json(metrics)),
        "answers": msgspec.Raw(answers_json(metrics)),
        **_classes(metrics),
        "files": [str(path) for path in published.paths],
    }


def _figures(row: Parameter) -> dict[str, Any]:
    return {"unit": row.unit, "requests": row.n, "samples": row.samples, **row.values}


def _classes(metrics: Metrics) -> dict[str, Any]:
    return {"classes": msgspec.Raw(classes_json(metrics))} if metrics.classes else {}
