"""`fastbench doctor`: can this machine measure, and is the service reached?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastbench.cli.perf.parsing import SectionedCommand, given_options
from fastbench.cli.printing import OUTPUT, Terminal, write_json
from fastbench.cli.user import as_far_as_read, leave_in_order, stopped_by
from fastbench.errors import Exit, UsageError, worst
from fastbench.options import ARGUMENT, OPTIONS, Option, Options

if TYPE_CHECKING:
    from fastbench.api import Check

_PLANNED = {
    "concurrency": "Requests in flight.  [default: 100]",
    "num_prompts": "Requests in all.  [default: 1000]",
    "input_len": "Prompt tokens.  [default: 1024]",
    "output_len": "Output tokens.  [default: 128]",
    "work_dir": OPTIONS["work_dir"].help,
}
_SERVICE = "url model api stream api_key_env ca_file client_cert client_key insecure header timeout connect_timeout"
_JSON = "Write the checks as one JSON document to this file; - is standard output, where nothing else is then."
_SECTIONS: Mapping[str, Sequence[Option]] = {
    "What is planned": [replace(OPTIONS[name], help=help) for name, help in _PLANNED.items()],
    "Service": [OPTIONS[name] for name in _SERVICE.split()],
    "Results": [replace(OPTIONS["json"], help=_JSON)],
}
_MARGIN, _NAME = 9, 16
_LEAST_COLUMNS, _MOST_COLUMNS = 60, 100
_COLOURS = {"ok": "green", "warning": "yellow", "fails": "red"}


def doctor(**_: Any) -> int:
    """Tells whether this machine can measure, what would disturb it, and what to change.

    It takes some seconds: it looks at processors, clock, limits, memory and disk, and loads a simulated service for a
    second, from which it knows time stamps, priority and noise. With a URL it sends two short requests to that
    service, too.

    \b
    fastbench doctor
    fastbench doctor http://host:8000 --concurrency 2000 --num-prompts 100000 --output-len 1024

    Exit codes: 0 it can measure, perhaps with warnings; 1 a check fails.
    """
    options = given_options(click.get_current_context())
    if ARGUMENT in options:
        raise UsageError(f"{options[ARGUMENT]} is a config, and doctor looks at a service: give its --url")
    # Imported late: help must not wait for it.
    from fastbench import Stop
    from fastbench.api import Wanted, code_of_checks, doctor_json, examine

    leave_in_order()
    usual = Wanted()
    wanted = Wanted(
        _count(options, "concurrency", usual.concurrency),
        _count(options, "num_prompts", usual.requests),
        _count(options, "input_len", usual.input_len),
        _count(options, "output_len", usual.output_len),
        Path(options.get("work_dir", usual.work_dir)),
    )
    service, target = options.without(*_PLANNED, "json"), options.get("json")
    stop, checks = Stop(), []
    terminal = Terminal.of_output()
    with stop.on_signals():
        for check in examine(wanted, service, stop):
            checks.append(check)
            if target != OUTPUT:
                with as_far_as_read():
                    _print(check, terminal)
    code = stopped_by(stop, Exit.INTERRUPTED) if stop.asked else code_of_checks(checks)
    if target != OUTPUT:
        with as_far_as_read():
            click.echo(_summary(checks) if not stop.asked else "Stopped.")
    return worst(code, write_json(doctor_json(checks, code), target))


def _count(options: Options, name: str, usual: int) -> int:
    """A number that is planned, of a range its end. Raises UsageError for none."""
    given = options.get(name) or usual
    count = max(given) if isinstance(given, list | tuple) else given
    if options.get(name) == 0 or count < 1:
        raise UsageError(f"{options.written(name)} must be a whole number from 1, not {options[name]}")
    return int(count)


def _print(check: Check, terminal: Terminal) -> None:
    from textwrap import wrap

    columns = max(_LEAST_COLUMNS, min(terminal.columns, _MOST_COLUMNS)) if terminal.is_one else _MOST_COLUMNS
    room = columns - _MARGIN - _NAME
    found, *more = wrap(check.found, room, break_on_hyphens=False) or [""]
    more += wrap(f"→ {check.remedy}", room, subsequent_indent="  ", break_on_hyphens=False) if check.remedy else []
    state = f"{check.state:<{_MARGIN}}"
    state = click.style(state, fg=_COLOURS[check.state]) if terminal.colours else state
    click.echo(f"{state}{check.name:<{_NAME}}{found}", color=terminal.is_one)
    for line in more:
        click.echo(f"{'':{_MARGIN + _NAME}}{line}")


def _summary(checks: Sequence[Check]) -> str:
    states = [check.state.value for check in checks]
    failed, warned = states.count("fails"), states.count("warning")
    warnings = "1 warning" if warned == 1 else f"{warned} warnings"
    if failed:
        return f"\nThis cannot be measured as it stands: {failed} of {len(checks)} checks fail, with {warnings}."
    return f"\nThis machine can measure{f', with {warnings}' if warned else ''}."


doctor_command = SectionedCommand(
    "doctor",
    callback=doctor,
    arguments=[click.Argument([ARGUMENT], metavar="[URL]", required=False)],
    sections=_SECTIONS,
)
