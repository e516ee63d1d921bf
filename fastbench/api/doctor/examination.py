"""All checks, in the order in which they matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastbench.api.doctor.check import Check, State, Wanted
from fastbench.api.doctor.load import of_load
from fastbench.api.doctor.machine import accepting, of_machine
from fastbench.api.doctor.service import of_service
from fastbench.api.doctor.system import backlog
from fastbench.errors import Exit
from fastbench.options import Options
from fastbench.report import document_json
from fastbench.run import Stop


def examine(wanted: Wanted, service: Options, stop: Stop) -> Iterator[Check]:
    """Each check as it is made. service: the options of `fastbench perf` that name one; without `url` none is asked.
    Raises UsageError for options that do not go together."""
    yield from of_machine(wanted)
    if "url" not in service:
        yield accepting(wanted, backlog())
    yield from of_load(stop)
    if "url" in service and not stop.asked:
        yield from of_service(service, stop)


def code_of_checks(checks: Sequence[Check]) -> Exit:
    """Whether it can be measured: no check fails."""
    return Exit.of_work(all(check.state is not State.FAILS for check in checks))


def doctor_json(checks: Sequence[Check], code: int) -> bytes:
    """The checks as one document."""
    content = [{**check._asdict(), "figures": dict(check.figures)} for check in checks]
    return document_json("doctor", {"code": code, "checks": content})
