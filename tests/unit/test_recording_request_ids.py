"""The ids that requests carry."""

import uuid

import pytest

from fastbench.recording import MEASURED, PROBE, WARM_UP, new_run_id, recorded_id, request_id
from fastbench.recording.reading.rows import sends_ids


@pytest.mark.parametrize("kind", [MEASURED, WARM_UP, PROBE])
@pytest.mark.parametrize("number", [0, 42, 10**11 - 1])
def test_an_id_is_a_random_uuid_by_its_form(kind: str, number: int) -> None:
    """Version and variant are those of RFC 9562's version 4, and the text is the one that Python writes itself."""
    text = request_id(new_run_id(), number, kind)
    parsed = uuid.UUID(text)
    assert (parsed.version, parsed.variant, str(parsed)) == (4, uuid.RFC_4122, text)


def test_ids_differ_by_run_kind_and_request() -> None:
    """No two requests have one id: of two runs, of two kinds, of two numbers."""
    ids = [
        request_id(run, number, kind)
        for run in (new_run_id(), new_run_id())
        for kind in (MEASURED, WARM_UP, PROBE)
        for number in range(3)
    ]
    assert len(set(ids)) == len(ids)


def test_the_recording_tells_the_id() -> None:
    """The run's id and the request's number make the id that was sent, also that of an older recording."""
    run = new_run_id()
    assert recorded_id(run, 42) == request_id(run, 42) == f"{run}-000000000042"
    assert recorded_id("1a2b3c4d", 42) == "fb-1a2b3c4d-42"


@pytest.mark.parametrize(
    ("service", "sent"),
    [
        ({}, True),
        ({"request_id_header": "X-Other"}, True),
        ({"request_id_header": None}, False),
        ({"request_id_header": None, "backend": "triton_generate"}, True),
        ({"request_id_header": None, "backend": "triton_generate", "request_id_in_body": False}, False),
        ({"request_id_header": None, "backend": "acme_ask", "request_id_in_body": True}, True),
        ({"request_id_header": None, "backend": "acme_ask", "request_id_in_body": False}, False),
    ],
)
def test_whether_ids_were_sent(service: dict[str, object], sent: bool) -> None:
    """Without the header the id is in the body or nowhere; recordings that do not say are older: had one in a header,
    and Triton's in the body."""
    assert sends_ids({"service": service}) is sent
