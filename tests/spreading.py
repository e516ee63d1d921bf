"""Spreads the tests over processes that are forked when all are collected: what they need is imported once.

A file's tests stay in one process. Each process takes the next file when it has done with one, and tells the first one
how its tests ended; that one reports.
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, groupby, pairwise
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

import pytest
from forking import leave
from nursery import nursery

PLACE = 4
"""Bytes of a file's place among all, in the queue."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--processes", type=int, default=0, metavar="N", help="run the files in N processes; 0: in this")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """In the place of pytest's own, where several processes are asked for."""
    option = session.config.option
    # Where collecting failed, pytest's own says so.
    if option.processes < 1 or option.collectonly or session.testsfailed:
        return None
    files = [list(items) for _, items in groupby(session.items, key=lambda item: item.path)]
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # below it each process has its own
    nursery()  # one for all
    queue, waiting = os.pipe()
    told = dict(_forked(session.config, number, files, queue, waiting) for number in range(option.processes))
    for place in range(len(files)):
        os.write(waiting, place.to_bytes(PLACE, "little"))
    os.close(waiting)
    died = [*_reported(session, told, queue)]
    os.close(queue)
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if died:
        raise session.Interrupted(f"a process died in {' and one in '.join(died)}")
    return True


def _forked(
    config: pytest.Config, number: int, files: Sequence[list[pytest.Item]], *queue: int
) -> tuple[Connection, int]:
    """Starts a process; returns the end at which it tells what happens, and its number. queue: a pipe's both ends."""
    told, tell = Pipe(duplex=False)
    if process := os.fork():
        tell.close()
        return told, process
    teller = Teller(config, tell)
    try:
        told.close()
        os.close(queue[1])
        _run(config, number, files, queue[0], teller)
        teller.end()
    except BaseException:  # noqa: BLE001 - told, where the error of a process is to be seen
        teller.end(traceback.format_exc())
    finally:
        leave(0)


def _run(config: pytest.Config, number: int, files: Sequence[list[pytest.Item]], queue: int, teller: Teller) -> None:
    """Runs files until there are no more."""
    factory: Any = config._tmp_path_factory  # type: ignore[attr-defined]
    factory._basetemp = factory.getbasetemp() / str(number)
    factory._basetemp.mkdir()
    plugins = config.pluginmanager
    plugins.unregister(name="terminalreporter")
    plugins.register(teller)
    # Else all would write what they capture into one file.
    capture: Any = plugins.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    with _covered():
        # The next item tells pytest which fixtures it still needs, so the next file is taken a test before its turn.
        for item, following in pairwise(chain(_taken(files, queue), [None])):
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _taken(files: Sequence[list[pytest.Item]], queue: int) -> Iterator[pytest.Item]:
    while place := os.read(queue, PLACE):
        yield from files[int.from_bytes(place, "little")]


@contextmanager
def _covered() -> Iterator[None]:
    """Where coverage is measured, it is measured on into a file of this process, which pytest-cov finds."""
    coverage: Any = sys.modules.get("coverage")
    current = coverage and coverage.Coverage.current()
    if not current:
        yield
        return
    current.stop()
    own = coverage.Coverage(data_suffix=True)
    own.start()
    yield
    own.stop()
    own.save()


class Teller:
    """Tells what pytest would report: when a test starts, all that was reported up to there, in one message."""

    def __init__(self, config: pytest.Config, tell: Connection) -> None:
        self._config = config
        self._tell = tell
        self._reported: list[tuple[str, Any]] = []

    def end(self, error: str = "") -> None:
        """Tells that there are no more tests, or what ended them."""
        self._send("end", error)

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._send("start", {"nodeid": nodeid, "location": location})

    def _send(self, what: str, content: Any) -> None:
        message, self._reported = [*self._reported, (what, content)], []
        self._tell.send(message)

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._reported.append(("finish", {"nodeid": nodeid, "location": location}))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # Where it describes no error, it consists of what can be sent.
        sent: Any = report
        if report.longrepr is not None:
            sent = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._reported.append(("report", sent))

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: Any
    ) -> None:
        # Its own class may be one that cannot be sent.
        text = f"{warning_message.category.__name__}: {warning_message.message}"
        sent = warnings.WarningMessage(text, UserWarning, warning_message.filename, warning_message.lineno)
        content = {"warning_message": sent, "when": when, "nodeid": nodeid, "location": location}
        self._reported.append(("warning", content))


def _reported(session: pytest.Session, told: Mapping[Connection, int], queue: int) -> Iterator[str]:
    """Reports all that is told, until each process has ended; gives the tests in which one died, and its error."""
    running: dict[Any, str] = dict.fromkeys(told, "its beginning")
    while running:
        for connection in wait([*running]):
            try:
                messages = connection.recv()  # type: ignore[union-attr]
            except EOFError:
                messages = [("end", "it was killed")]
            for what, content in messages:
                if what == "end":
                    test = running.pop(connection)
                    os.waitpid(told[connection], 0)  # type: ignore[index]
                    if content:
                        yield f"{test}: {content}"
                    continue
                if what == "start":
                    running[connection] = content["nodeid"]
                _report(session.config, what, content)
        if session.shouldfail or session.shouldstop:
            while os.read(queue, 1 << 16):
                pass  # nobody is to take another file


def _report(config: pytest.Config, what: str, content: Any) -> None:
    """Reports one of the things that a `Teller` tells."""
    hook = config.hook
    if what == "start":
        hook.pytest_runtest_logstart(**content)
    elif what == "report":
        if isinstance(content, dict):
            content = hook.pytest_report_from_serializable(config=config, data=content)
        hook.pytest_runtest_logreport(report=content)
    elif what == "warning":
        hook.pytest_warning_recorded.call_historic(kwargs=content)
    else:
        hook.pytest_runtest_logfinish(**content)
