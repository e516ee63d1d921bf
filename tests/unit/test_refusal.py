"""What services say when they refuse a field of the body."""

import json
import pickle

import pytest
from replies import CHAT, document, event, read, stream
from tasks import task_of

from fastbench.client.tally import OutcomeTally
from fastbench.config.services import ServiceConfig
from fastbench.run.worker.warmup import FieldRefusedError, refused_field, way_out

FASTAPI = {
    "detail": [{"type": "extra_forbidden", "loc": ["body", "ignore_eos"], "msg": "Extra inputs are not permitted"}]
}
MISSING = {
    "detail": [
        {
            "type": "missing",
            "loc": ["body", "prompt"],
            "msg": "Field required, extra forbidden",
            "input": {"model": "m", "ignore_eos": True},
        }
    ]
}
TRANSFORMERS = {"detail": "Unexpected keys in the request: {'ignore_eos'}"}
OPENAI = {"error": {"message": "Unrecognized request argument supplied: ignore_eos", "type": "invalid_request_error"}}
PARAM = {
    "error": {"message": "Unknown parameter", "type": "invalid_request_error", "param": "ignore_eos", "code": None}
}
PYDANTIC = b"1 validation error\nignore_eos\n  Extra inputs are not permitted [type=extra_forbidden, input_value=True]"
OTHER = {"error": {"message": "the model m does not exist", "type": "invalid_request_error"}}
ECHO = {"error": {"message": "Invalid JSON body: {'model': 'm', 'ignore_eos': True}", "type": "invalid_request_error"}}
VALUE = {"error": {"message": "ignore_eos needs a licence"}}


def service(*, optional: tuple[str, ...] = ("ignore_eos",), **fields: object) -> ServiceConfig:
    given = {"generation_kwargs": {"ignore_eos": True}, "optional_kwargs": optional, **fields}
    return task_of("http://h", **given).service


def seen_of(body: object, status: str = "422 Unprocessable Entity") -> OutcomeTally:
    """A warm-up of one request that had this answer."""
    seen = OutcomeTally()
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    seen.add(read(document(text, status=status), CHAT).batch)
    return seen


@pytest.mark.parametrize("body", [FASTAPI, TRANSFORMERS, OPENAI, PARAM, PYDANTIC])
@pytest.mark.parametrize("status", ["400 Bad Request", "422 Unprocessable Entity"])
def test_a_refused_field_is_recognised(body: object, status: str) -> None:
    """FastAPI's details, OpenAI's errors and plain text tell which field is refused, with the service's words."""
    found = refused_field(seen_of(body, status), service())
    assert found is not None
    assert found[0] == "ignore_eos"
    assert "ignore_eos" in found[1]


def test_a_field_refused_in_a_stream() -> None:
    """An error event says it as well as a status does."""
    seen = OutcomeTally()
    seen.add(read(stream(event(OPENAI))).batch)
    assert (refused_field(seen, service()) or ("",))[0] == "ignore_eos"


@pytest.mark.parametrize("body", [OTHER, MISSING, ECHO, VALUE, b"ignore_eos"])
def test_other_words_are_no_refusal(body: object) -> None:
    """A body that repeats the request, or speaks of another reason, refuses no field."""
    assert refused_field(seen_of(body), service()) is None


def test_another_status_is_no_refusal() -> None:
    """What a busy or broken service says is not about the request."""
    assert refused_field(seen_of(OPENAI, "500 Oops"), service()) is None


def test_what_was_asked_for_by_name_is_not_dropped() -> None:
    """Without `optional_kwargs` the field is the user's: it stays, and the message says how to leave it out."""
    own = service(optional=())
    assert refused_field(seen_of(OPENAI), own) is None
    assert way_out(seen_of(OPENAI), own) == "leave out ignore_eos (--no-ignore-eos)"
    given = service(optional=(), generation_kwargs={"min_tokens": 3})
    told = way_out(seen_of({"detail": "unknown field min_tokens"}), given)
    assert told == "leave out min_tokens (generation_kwargs, --param)"


def test_stream_options_are_nobodys_unless_given() -> None:
    """The field that fastbench adds by itself can go, one that the user gave cannot."""
    said = seen_of({"detail": "unknown field: stream_options"})
    assert (refused_field(said, service()) or ("",))[0] == "stream_options"
    assert refused_field(said, service(generation_kwargs={"stream_options": {"include_usage": True}})) is None
    assert refused_field(said, service().without(["stream_options"])) is None


def test_no_refusal_where_one_succeeded() -> None:
    """A service that answered another warm-up request well knows the field."""
    seen = seen_of(OPENAI)
    seen.ok = 1
    assert refused_field(seen, service()) is None


def test_the_error_comes_whole_from_another_process() -> None:
    """A worker's error keeps its field and the service's words on its way to the coordinator."""
    error = pickle.loads(pickle.dumps(FieldRefusedError("a message", "ignore_eos", "no")))
    assert (str(error), error.field, error.words) == ("a message", "ignore_eos", "no")
