"""Every fault has one outcome, costs no other request anything, and leaves the accounts whole."""

import socket
from collections.abc import Sequence

import pytest
from certificates import server_context, trusting
from driving import MS, OK, Ended, drive, has, number_of
from faults import BREAKS, FAULTS, Fault, cuts
from replies import Result
from serving import Service, each_request


def run(faults: Sequence[Fault], *, tls: bool = False, retry: int = 0) -> None:
    """Every other request of the run meets a fault, one after the other."""
    planned = 2 * len(faults) + 3

    def fault_of(number: int) -> Fault | None:
        return faults[number // 2] if number % 2 and number // 2 < len(faults) else None

    def handler(connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            fault = fault_of(number_of(request))
            if fault is None:
                connection.sendall(OK)
                continue
            fault.act(connection)
            if fault.last:
                return

    slow = any(fault.outcome == "timeout" for fault in faults)
    with Service(handler, tls=server_context() if tls else None) as service:
        ended = drive(
            service.address,
            planned,
            limit=planned - 3,
            spare=2,
            retry=retry,
            request_timeout_ns=800 * MS if slow else 20_000 * MS,
            tls=trusting() if tls else None,
        )
    for number in range(planned):
        fault = fault_of(number)
        if fault is not None:
            check(ended[number], fault)
            assert attempts_of(ended, number) == (retry if may_be_retried(ended[number]) else 0)
        else:
            assert (ended[number].outcome, attempts_of(ended, number)) == ("ok", 0)
            assert not has(ended[number], "resent")
    assert ended.outcomes.total() == planned


def check(found: Result, fault: Fault) -> None:
    assert found.outcome == fault.outcome
    assert (found.row["status"], found.row["events"]) == (fault.status, fault.events)
    assert fault.note in found.note
    if fault.outcome == "ok":
        assert found.note == b""
    elif fault.outcome != "http_error":
        assert found.note, "only a service that says nothing with its status has no reason"


def attempts_of(ended: Ended, number: int) -> int:
    return sum(attempt.row["request"] == number for attempt in ended.superseded)


def may_be_retried(found: Result) -> bool:
    return found.outcome in ("reset", "truncated") and found.row["received_bytes"] == 0


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_one_outcome(name: str) -> None:
    """One request meets the fault and has its outcome, status, events, reason; the others of the run stay ok."""
    run([FAULTS[name]])


def test_many_faults_in_one_run() -> None:
    """All faults at once have the outcomes that each has alone."""
    run([fault for fault in FAULTS.values() if fault.outcome != "timeout"])


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("retry", [0, 2])
@pytest.mark.parametrize("how", BREAKS)
def test_a_response_that_breaks_off(how: str, retry: int, tls: bool) -> None:
    """Reset, end of file or silence: wherever the response breaks off, that is its outcome, but for silence behind
    [DONE]; only before its first byte there are further attempts, and none after the time limit."""
    run(cuts(how), tls=tls, retry=retry)


@pytest.mark.parametrize("how", ["truncated", "reset"])
def test_a_cut_after_every_byte(how: str) -> None:
    """An end of file or a reset after each byte of a response is never ok; after the last it always is."""

    def handler(connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            number = number_of(request)
            connection.sendall(OK[:number])
            if number < len(OK):
                BREAKS[how](connection)
                return

    with Service(handler) as service:
        ended = drive(service.address, len(OK) + 1, limit=8, spare=8)
    assert [ended[number].outcome for number in range(len(OK))] == [how] * len(OK)
    assert ended[len(OK)].outcome == "ok"
