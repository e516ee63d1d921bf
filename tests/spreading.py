"""Spreads the tests over processes that are forked when all are collected: what they need is imported once.

A file's tests stay in one process. Each process takes the next file when it has done with one, and tells the first one
how its tests ended; that one reports, and when the others have ended it runs the tests with the marker `alone`.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, groupby, pairwise
from mmap import mmap
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, Literal

import pytest
from forking import leave
from nursery import nursery

PLACE = 4
"""Bytes of the place of a file or a test among all."""
TOLD_EACH_S = 0.25
"""So long what passed waits to be told with what passes next: a message costs more than many a test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--processes", type=int, default=0, metavar="N", help="run the files in N processes; 0: in this")


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Starts the process that commands are forked off: it imports fastbench on another core than this one meanwhile."""
    if session.config.option.processes > 0 and not session.config.option.collectonly:
        nursery()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """In the place of pytest's own, where several processes are asked for."""
    option = session.config.option
    # Where collecting failed, pytest's own says so.
    if option.processes < 1 or option.collectonly or session.testsfailed:
        return None
    items: Sequence[pytest.Item] = session.items
    together = [place for place, item in enumerate(items) if not item.get_closest_marker("alone")]
    _run_together(session, [list(places) for _, places in groupby(together, key=lambda place: items[place].path)])
    _run_in_turn(session.config, (item for item in items if item.get_closest_marker("alone")), session)
    return True


def _run_together(session: pytest.Session, files: Sequence[list[int]]) -> None:
    """Runs tests in several processes. files: the places of each file's tests among the session's."""
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # below it each process has its own
    nursery()  # one for all, started by now
    queue, waiting = os.pipe()
    processes = range(session.config.option.processes)
    at = memoryview(mmap(-1, PLACE * len(processes))).cast("I")  # each process's own, seen by all
    place_of = {item.nodeid: place for place, item in enumerate(session.items)}

    def teller_of(number: int, tell: Connection) -> Teller:
        return Teller(session.config, tell, at[number : number + 1], place_of)

    told = dict(_forked(session, number, files, teller_of, queue, waiting) for number in processes)
    for place in range(len(files)):
        os.write(waiting, place.to_bytes(PLACE, "little"))
    os.close(waiting)
    died = [*_reported(session, told, at, queue)]
    os.close(queue)
    _stop_if_told(session)
    if died:
        raise session.Interrupted(f"a process died in {' and one in '.join(died)}")


def _run_in_turn(config: pytest.Config, items: Iterable[pytest.Item], session: pytest.Session | None = None) -> None:
    """Runs tests in this process. session: what may say that no further one is to be run."""
    # The next item tells pytest which fixtures it still needs, so it is taken a test before its turn.
    for item, following in pairwise(chain(items, [None])):
        config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session is not None:
            _stop_if_told(session)


def _stop_if_told(session: pytest.Session) -> None:
    """As pytest's own loop does."""
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)


def _forked(
    session: pytest.Session,
    number: int,
    files: Sequence[list[int]],
    teller_of: Callable[[int, Connection], Teller],
    *queue: int,
) -> tuple[Connection, tuple[int, int]]:
    """Starts a process; returns the end at which it tells what happens, and its number here and in the system. queue: a
    pipe's both ends."""
    told, tell = Pipe(duplex=False)
    if process := os.fork():
        tell.close()
        return told, (number, process)
    teller = teller_of(number, tell)
    try:
        told.close()
        os.close(queue[1])
        _run(session, number, files, queue[0], teller)
        teller.end()
    except BaseException:  # noqa: BLE001 - told, where the error of a process is to be seen
        teller.end(traceback.format_exc())
    finally:
        leave(0)


def _run(session: pytest.Session, number: int, files: Sequence[list[int]], queue: int, teller: Teller) -> None:
    """Runs files until there are no more."""
    config = session.config
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
        _run_in_turn(config, _taken(session.items, files, queue))


def _taken(items: Sequence[pytest.Item], files: Sequence[list[int]], queue: int) -> Iterator[pytest.Item]:
    while place := os.read(queue, PLACE):
        for number in files[int.from_bytes(place, "little")]:
            yield items[number]


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
    """Tells what pytest would report: several tests in one message.

    at: where the first process sees which test runs: its place from 1, 0 = none yet. place_of: the place of a test,
    from 0, by its name.
    """

    def __init__(self, config: pytest.Config, tell: Connection, at: memoryview, place_of: Mapping[str, int]) -> None:
        self._config = config
        self._tell = tell
        self._at = at
        self._place_of = place_of
        self._reported: list[tuple[str, Any]] = []
        self._told_s = 0.0
        # Nothing else looks at what passes before and after the test itself.
        self._tells_all = config.option.durations is not None or config.option.xmlpath is not None

    def end(self, error: str = "") -> None:
        """Tells that there are no more tests, or what ended them."""
        self._reported.append(("end", error))
        self._send()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        place = self._place_of[nodeid]
        self._at[0] = place + 1
        if time.monotonic() > self._told_s + TOLD_EACH_S:
            self._send()
        self._reported.append(("start", place))

    def _send(self) -> None:
        message, self._reported = self._reported, []
        self._told_s = time.monotonic()
        self._tell.send(message)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._reported.append(("finish", self._place_of[nodeid]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed and not report.sections and not report.user_properties and not hasattr(report, "wasxfail"):
            if self._tells_all or report.when == "call":
                place = self._place_of[report.nodeid]
                self._reported.append(("passed", (place, report.when, report.duration, report.start, report.stop)))
            return
        # Where it describes no error, it consists of what can be sent.
        sent: Any = report
        if report.longrepr is not None:
            sent = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._reported.append(("report", sent))
        if report.failed:
            self._send()  # it may be to end the others

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: Any
    ) -> None:
        # Its own class may be one that cannot be sent.
        text = f"{warning_message.category.__name__}: {warning_message.message}"
        sent = warnings.WarningMessage(text, UserWarning, warning_message.filename, warning_message.lineno)
        content = {"warning_message": sent, "when": when, "nodeid": nodeid, "location": location}
        self._reported.append(("warning", content))


def _reported(
    session: pytest.Session, told: Mapping[Connection, tuple[int, int]], at: memoryview, queue: int
) -> Iterator[str]:
    """Reports all that is told, until each process has ended; gives the tests in which one died, and its error."""
    running: list[Any] = [*told]
    while running:
        for connection in wait(running):
            try:
                messages = connection.recv()  # type: ignore[union-attr]
            except EOFError:
                messages = [("end", "it was killed")]
            for what, content in messages:
                if what != "end":
                    _report(session, what, content)
                    continue
                running.remove(connection)
                number, process = told[connection]  # type: ignore[index]
                os.waitpid(process, 0)
                if content:
                    test = session.items[at[number] - 1].nodeid if at[number] else "its beginning"
                    yield f"{test}: {content}"
        if session.shouldfail or session.shouldstop:
            while os.read(queue, 1 << 16):
                pass  # nobody is to take another file


def _report(session: pytest.Session, what: str, content: Any) -> None:
    """Reports one of the things that a `Teller` tells."""
    hook = session.config.hook
    if what == "start":
        item = session.items[content]
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    elif what == "finish":
        item = session.items[content]
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    elif what == "passed":
        place, when, duration, start, stop = content
        item = session.items[place]
        names: Mapping[str, Literal[1]] = dict.fromkeys(item.keywords, 1)
        times = {"duration": duration, "start": start, "stop": stop}
        report = pytest.TestReport(item.nodeid, item.location, names, "passed", None, when, **times)
        hook.pytest_runtest_logreport(report=report)
    elif what == "report":
        if isinstance(content, dict):
            content = hook.pytest_report_from_serializable(config=session.config, data=content)
        hook.pytest_runtest_logreport(report=content)
    else:
        hook.pytest_warning_recorded.call_historic(kwargs=content)
