"""A command of `vllm bench serve` is carried out: translated, shown, run, and its result written."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastbench import api
from fastbench.cli.perf import perf_command
from fastbench.cli.perf.command import checking
from fastbench.cli.perf.measure import carry_out
from fastbench.cli.perf.parsing import given_options
from fastbench.cli.printing import Showing
from fastbench.cli.user import say
from fastbench.cli.vllm_bench.service import speculates, wait_for
from fastbench.errors import Exit, NotARunError, RecordingError, worst
from fastbench.options import run_of_options
from fastbench.secrets import HIDDEN, KNOWN, is_secret_header, is_secret_name
from fastbench.vllm_bench import Translated, file_of, lines, result_of, save, translate

if TYPE_CHECKING:
    from fastbench.api import Prepared

# `api.…` is imported when it is called: the first request must not wait for what makes reports.


def carry_out_serve(given: Mapping[str, Any]) -> int:
    """Runs what the flags say.

    Returns the exit code of `fastbench perf`, but that goodput is a number here, and no limit: 3 and 4 do not tell of
    it. Raises UsageError for what cannot be honoured, before anything is sent; ServiceError for a service that is not
    ready in time.
    """
    translated = translate(given, os.environ)
    values, verify = translated.values, not translated.values["insecure"]
    if values["ready_check_timeout_sec"] > 0:
        wait_for(translated.url, values["ready_check_timeout_sec"], verify=verify)
    words = (*translated.words, *(("--spec-decode",) if speculates(translated.url, verify=verify) else ()))
    options = given_options(perf_command.make_context("perf", list(words)))
    run, remarks = run_of_options(options)
    for note in (*translated.notes, *remarks):
        say(note)
    click.echo(f"fastbench perf {KNOWN.hide(' '.join(_shown(words)))}")
    prepared = api.prepare(run, options)
    code = carry_out(prepared, checking(Showing(quiet="quiet" in options), options, run))
    if code == Exit.INTERRUPTED:
        return code
    judged = translated.goodput and code in (Exit.NOT_MET, Exit.CANNOT_TELL)
    return worst(Exit.DONE if judged else code, _finish(translated, prepared))


def _shown(words: tuple[str, ...]) -> Iterator[str]:
    """The words for a shell, without keys."""
    before = ""
    for word in words:
        name, separator, text = word.partition(": " if before == "--header" else "=")
        secret = (before == "--header" and is_secret_header(name, text)) or (
            before == "--param" and is_secret_name(name)
        )
        yield shlex.quote(f"{name}{separator}{HIDDEN}" if secret else word)
        before = word


def _finish(translated: Translated, prepared: Prepared) -> int:
    """vLLM's block and file of the run; the exit code of what could not be written, and of a run without success."""
    (task,) = prepared.run.tasks()
    path = prepared.directory.recording(task)
    try:
        numbers = api.numbers_for_vllm(path, _asked(translated))
        model = str(api.open(path).header.get("service", {}).get("model", ""))
    except NotARunError:
        return Exit.DONE  # nothing was sent, which the user was told
    except RecordingError as error:
        say(str(error))
        return error.exit_code
    now = datetime.now()
    result = result_of(translated, numbers, model, now)
    for line in lines(result, translated):
        click.echo(line)
    saved = _save(result, file_of(translated, model, now), append=translated.values["append_result"])
    return saved or (Exit.DONE if result["completed"] else Exit.FAILED)


def _save(result: Mapping[str, Any], path: Path | None, *, append: bool) -> int:
    if path is None:
        return Exit.DONE
    try:
        save(result, path, append=append)
    except RecordingError as error:
        say(str(error))
        return error.exit_code
    click.echo(f"{path} written.")
    return Exit.DONE


def _asked(translated: Translated) -> api.VllmAsked:
    values = translated.values
    rising = values["ramp_up_strategy"]
    return api.VllmAsked(
        percents=translated.percents,
        metrics=translated.metrics,
        limits_ms=translated.goodput,
        limited=values["max_concurrency"] is not None,
        at_once=values["request_rate"] == float("inf") and rising is None,
        ramp=None if rising is None else (rising, values["ramp_up_start_rps"], values["ramp_up_end_rps"]),
        detailed=values["save_detailed"],
    )
