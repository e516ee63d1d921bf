"""A comparison as files: Markdown for a pull request and a job's summary, JUnit for a pipeline, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from fastbench.answers.comparison import CANNOT_TELL, WORSE, Comparison, Effect, RunSummary, Side, Versus
from fastbench.report.checks.written import Case, escaped, junit_of, table_lines
from fastbench.report.comparing.lines import cells
from fastbench.report.files import document_json


def comparison_markdown(comparison: Comparison) -> str:
    """The sentence, the table of each pair of sides, what differs, notes."""
    return "\n".join(_markdown(comparison)) + "\n"


def _markdown(comparison: Comparison) -> Iterator[str]:
    others = ", ".join(one.other.label for one in comparison.versus)
    yield f"## {escaped(others)} against {escaped(comparison.base.label)}"
    for sentence in comparison.sentences:
        yield ""
        yield f"**{escaped(sentence)}**"
    for one in comparison.versus:
        if one.effects:
            columns = ("", comparison.base.label, one.other.label, "Change", "95 % interval", "Verdict")
            yield from table_lines(columns, [_row(effect) for effect in one.effects])
            yield "\\* decides."
    for one in comparison.versus:
        if one.differs:
            yield ""
            yield f"<details><summary>What differs in the settings ({len(one.differs)})</summary>"
            heads = ("Setting", comparison.base.label, one.other.label)
            yield from table_lines(heads, [(each.name, each.a, each.b) for each in one.differs])
            yield "</details>"
    for note in comparison.notes:
        yield ""
        yield escaped(note)


def _row(effect: Effect) -> tuple[str, ...]:
    return (*cells(effect), f"{effect.verdict}{f': {effect.why}' if effect.why else ''}")


def comparison_junit(comparison: Comparison) -> bytes:
    """A suite for each side that is compared with the base, a case for each metric that decides: worse is a failure,
    what cannot be told an error."""
    base = comparison.base.label
    return junit_of([(f"{one.other.label} against {base}", list(_cases(one))) for one in comparison.versus])


def _cases(one: Versus) -> Iterator[Case]:
    if one.refusals:
        yield "comparable", "error", " ".join(one.refusals)
    for effect in one.gate:
        word = {WORSE: "failure", CANNOT_TELL: "error"}.get(effect.verdict, "")
        told = cells(effect)
        why = f"; {effect.why}" if effect.why else ""
        yield effect.label, word, f"{effect.verdict}: {told.change} (95 %: {told.interval}){why}"


def comparison_json(comparison: Comparison) -> bytes:
    """All of it but the counts by block and the requests."""
    content = {
        "sentence": comparison.sentence,
        "sentences": comparison.sentences,
        "verdict": comparison.verdict,
        "code": comparison.code,
        "tolerance": comparison.tolerance,
        "anyway": comparison.anyway,
        "notes": comparison.notes,
        "base": _side(comparison.base),
        "versus": [_versus(one) for one in comparison.versus],
    }
    return document_json("comparison", content)


def _versus(one: Versus) -> dict[str, Any]:
    return {
        **_side(one.other),
        "refusals": one.refusals,
        "verdict": one.verdict,
        "method": one.method,
        "effects": [{"key": effect.key, **_plain(effect)} for effect in one.effects],
        "deciles": {name: [_plain(decile) for decile in deciles] for name, deciles in one.deciles.items()},
        "pairing": None if one.pairing is None else _plain(one.pairing),
        "differs": [_plain(difference) for difference in one.differs],
        "notes": one.notes,
    }


def _plain(value: Any) -> dict[str, Any]:
    return asdict(value)


def _side(side: Side) -> dict[str, Any]:
    return {"label": side.label, "runs": [_run(run) for run in side.runs]}


def _run(run: RunSummary) -> dict[str, Any]:
    return {
        "label": run.label,
        "source": run.source,
        "workload": _plain(run.workload),
        "stage": run.stage,
        "valid": run.valid,
        "fault": run.fault,
        "begun": run.begun,
        "length_s": run.length_s,
        "requests": run.requests,
        "ok": run.ok,
        "load": _plain(run.load),
        "output_tokens": run.output_tokens,
        "cached_share": run.cached_share,
    }
