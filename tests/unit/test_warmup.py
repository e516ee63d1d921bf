"""Warm-up: what it asks, and what its failure means."""

import itertools
from pathlib import Path

import pytest
from msgspec.structs import replace
from replies import CHAT, DONE, delta, document, event, read, stream
from tasks import PROMPTS, task_of

from fastbench.client.seen import Seen
from fastbench.config.dataset_schema import JsonlConfig
from fastbench.datasets.dataset import open_dataset
from fastbench.errors import ServiceError
from fastbench.fleet.warmup import check_warmup, warmup_samples

URL = "http://h:1/v1/chat/completions"
GOOD = read(stream(delta("a", "stop"), DONE))


def failure(reply: bytes) -> str:
    """The sentence for a warm-up whose request had this reply."""
    seen = Seen()
    seen.add(read(reply, CHAT).batch)
    with pytest.raises(ServiceError) as caught:
        check_warmup(seen, URL)
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


def test_a_file_is_begun_again(tmp_path: Path) -> None:
    """Warm-up prompts from a file are its first ones, over and over if it must be."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt":"a"}\n{"prompt":"b"}\n')
    found = warmup_samples(task_of("http://h", JsonlConfig(abbr="rows", path=str(path))), 5)
    assert [sample.prompt for sample in found] == list(itertools.islice(itertools.cycle("ab"), 5))


def test_a_warm_up_that_worked() -> None:
    """One success is enough, and no request at all is no failure."""
    seen = Seen()
    check_warmup(seen, URL)
    seen.add(read(document(b"busy", status="503 Busy")).batch)
    seen.add(GOOD.batch)
    check_warmup(seen, URL)


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
        (document(b"", "text/event-stream"), "empty, the response holds no output; check the prompt and max_out_len"),
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
