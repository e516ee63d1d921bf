"""Warm-up: what it asks, and what its failure means."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from replies import CHAT, DONE, delta, document, event, read, stream
from tasks import PROMPTS, task_of

from fastbench.client.tally import OutcomeTally
from fastbench.config import Task
from fastbench.config.services import ServiceConfig
from fastbench.datasets import open_dataset
from fastbench.datasets.conversations.mtbench import MtBenchConfig
from fastbench.datasets.jsonl import JsonlConfig
from fastbench.errors import ServiceError
from fastbench.run.worker.warmup import check_warmup, warmup_samples

URL = "http://h:1/v1/chat/completions"
GOOD = read(stream(delta("a", "stop"), DONE))


SERVICE = task_of("http://h").service


def failure(reply: bytes, service: ServiceConfig = SERVICE) -> str:
    """The sentence for a warm-up whose request had this reply."""
    seen = OutcomeTally()
    seen.add(read(reply, CHAT).batch)
    with pytest.raises(ServiceError) as caught:
        check_warmup(seen, URL, service)
    return str(caught.value)


def test_no_measured_prompt_is_used_up() -> None:
    """Synthetic warm-up prompts are none of the measured ones, have their lengths, and are the same each time."""
    task = task_of("http://h")
    warm = list(warmup_samples(task, 8))
    assert [sample.prompt for sample in warm] == [sample.prompt for sample in warmup_samples(task, 8)]
    measured = {sample.prompt for sample in open_dataset(PROMPTS, "").samples()}
    assert not measured & {sample.prompt for sample in warm}
    assert all(3 <= (sample.input_len or 0) <= 9 for sample in warm)


def test_more_warm_ups_than_prompts() -> None:
    """There may be more warm-up requests than the data set has prompts."""
    task = task_of("http://h", replace(PROMPTS, count=2))
    assert len(list(warmup_samples(task, 9))) == 9


@pytest.fixture
def rows(tmp_path: Path) -> Task:
    """A task whose prompts come from a file of two rows."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt":"a b c"}\n{"prompt":"d"}\n')
    return task_of("http://h", JsonlConfig(abbr="rows", path=str(path)))


def test_no_row_of_a_file_is_used_up(rows: Task) -> None:
    """A warm-up asks none of a file's prompts, but synthetic ones as long as its first."""
    warm = list(warmup_samples(rows, 5))
    assert {len(str(sample.prompt).split()) for sample in warm} == {3}
    assert not {"a b c", "d"} & {sample.prompt for sample in warm}


def test_the_data_sets_own_rows(rows: Task) -> None:
    """Where they are asked for, a file's first rows warm up, over and over if it must be."""
    found = warmup_samples(replace(rows, warmup_data="dataset"), 5)
    assert [sample.prompt for sample in found] == ["a b c", "d", "a b c", "d", "a b c"]


@pytest.mark.parametrize("kind", ["rows", "synthetic"])
def test_lengths_of_its_own(rows: Task, kind: str) -> None:
    """A warm-up has the lengths that are asked for it, whatever the data set's are."""
    task = rows if kind == "rows" else task_of("http://h")
    warm = list(warmup_samples(replace(task, warmup_input_len=7, warmup_output_len=2), 4))
    assert [(sample.input_len, sample.output_len) for sample in warm] == [(7, 2)] * 4
    assert {len(str(sample.prompt).split()) for sample in warm} == {7}


def test_one_request_for_a_conversation(tmp_path: Path) -> None:
    """Of conversations that warm up, only the first turn is asked."""
    path = tmp_path / "talks.jsonl"
    path.write_text('{"question_id": 1, "prompt": ["first", "second"]}\n')
    task = replace(task_of("http://h", MtBenchConfig(abbr="talks", path=str(path))), warmup_data="dataset")
    assert [(sample.prompt, sample.turns) for sample in warmup_samples(task, 2)] == [("first", ())] * 2


def test_a_warm_up_that_worked() -> None:
    """One success is enough, and no request at all is no failure."""
    seen = OutcomeTally()
    check_warmup(seen, URL, SERVICE)
    seen.add(read(document(b"busy", status="503 Busy")).batch)
    seen.add(GOOD.batch)
    check_warmup(seen, URL, SERVICE)


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (document(b"no such\n  model", status="404 Not Found"), "HTTP status 404, no such model; check url and model"),
        (document(b"", status="500 Oops"), "HTTP status 500; check url and model"),
        (
            document(b"<html>hi", "text/html"),
            "malformed, the service answered with an HTML page: <html>hi; "
            "check that url names an OpenAI-compatible service",
        ),
        (
            stream(delta("a"), last=b""),
            "truncated, the service closed the connection before the end of the response; "
            "check that the service streams whole replies",
        ),
        (
            document(b"", "text/event-stream"),
            "empty, the response holds no output; check the prompt and max_out_len (--output-len)",
        ),
        (
            stream(event({"error": {"message": "no"}})),
            'stream_error, {"error":{"message":"no"}}; check that the service runs',
        ),
    ],
)
def test_a_warm_up_that_failed(reply: bytes, what: str) -> None:
    """A failure is one sentence: the URL, the outcome, the service's own words, the way out."""
    assert failure(reply) == (
        f"The warm-up request to {URL} failed: {what}, or set num_warmups (--num-warmups) to 0 to measure all the same."
    )


def test_long_words_are_cut() -> None:
    """A page of the service's is not printed whole, and bytes that are no text do no harm."""
    told = failure(document(b"\xff" + b"x" * 4000, "text/plain", status="500 Oops"))
    assert len(told) < 700
    assert "\ufffdxxx" in told


def test_a_service_that_wants_the_newer_name() -> None:
    """A refusal that names max_completion_tokens is answered with the setting, unless that name was used already."""
    words = b'{"error":{"message":"max_tokens is not supported, use max_completion_tokens"}}'
    seen = OutcomeTally()
    seen.add(read(document(words, status="400 Bad Request"), CHAT).batch)
    with pytest.raises(
        ServiceError, match="set length_field \\(--length-field\\) to max_completion_tokens, or set num_"
    ):
        check_warmup(seen, URL, SERVICE)
    with pytest.raises(ServiceError, match="check url and model"):
        check_warmup(seen, URL, replace(SERVICE, length_field="max_completion_tokens"))


def test_a_refusal_without_a_word_names_what_may_offend() -> None:
    """A 400 with an empty body tells of the id's header and of all fields that not every service knows."""
    service = replace(SERVICE, generation_kwargs={"ignore_eos": True, "top_k": 3})
    told = failure(document(b"", status="400 Bad Request"), service)
    for offender in (
        "the header X-Request-Id (--request-id-header none leaves it out)",
        "ignore_eos (--no-ignore-eos)",
        "top_k (generation_kwargs, --param)",
        "stream_options (--param stream_options=null)",
    ):
        assert offender in told
    plain = replace(service, request_id_header="none", generation_kwargs={"stream_options": None})
    assert "stream_options" not in failure(document(b"", status="400 Bad Request"), plain)
