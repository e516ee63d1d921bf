"""The two requests that tell how many tokens a word has."""

import json
import socket
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace
from replies import DONE, delta, document, stream, usage
from serving import Service, each_request
from tasks import MODELS, PROMPTS, plan_of, task_of, url_of

from fastbench.config import Task
from fastbench.config.fields.lengths import Uniform
from fastbench.datasets import SyntheticConfig
from fastbench.datasets.jsonl import JsonlConfig
from fastbench.errors import ServiceError
from fastbench.recording import Recording
from fastbench.run.stop import Stop
from fastbench.run.worker.assignment import Alone, Assignment
from fastbench.run.worker.probe import measured_words
from fastbench.run.worker.worker import run_worker

EXACT = SyntheticConfig(count=8, input_len=Uniform(low=300, high=300), output_len=Uniform(low=2, high=2))


class Words:
    """A service that counts so many tokens for each word and 7 for its template, and tells them or not."""

    def __init__(self, each: float, *, tells: bool = True, status: str = "200 OK") -> None:
        self._each = each
        self._tells = tells
        self._status = status
        self.asked: list[int] = []
        """Words of each prompt."""

    def __call__(self, connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            if request.startswith(b"GET "):
                connection.sendall(MODELS)
                continue
            body = json.loads(request.partition(b"\r\n\r\n")[2])
            words = len(body["messages"][0]["content"].split())
            self.asked.append(words)
            if self._status != "200 OK":
                connection.sendall(document(b"no", "text/plain", status=self._status))
                continue
            told = [usage(round(words * self._each) + 7, 1)] if self._tells else []
            connection.sendall(stream(delta("a", "stop"), *told, DONE))


def words_of(task: Task, stop: Stop | None = None) -> float:
    return measured_words(plan_of(task), stop or Stop())


def test_the_services_own_count() -> None:
    """The ratio is the service's, without what its template adds to each prompt; two requests tell it."""
    words = Words(1.5)
    with Service(words) as service:
        assert words_of(task_of(url_of(service), warmups=1)) == 1.5
    assert len(words.asked) == 2


def test_prompts_get_their_length(tmp_path: Path) -> None:
    """Prompts are made so that the service counts the asked tokens, but for its template."""
    words = Words(1.5)
    with Service(words) as service:
        task = task_of(url_of(service), EXACT, warmups=1)
        ratio = words_of(task)
        plan = plan_of(task).changed(tokens_per_word=ratio)
        run_worker(Assignment(plan, tmp_path / "r"), Alone(Stop()), lambda _: None)
    recording = Recording.open(tmp_path / "r")
    assert set(recording.rows["input_tokens"]) == {300 + 7}
    assert set(recording.rows["planned_input"]) == {300}
    assert words.asked[2:] == [200] * 9
    assert recording.header["tokens_per_word"] == 1.5


@pytest.mark.parametrize("tells", [True, False])
def test_a_service_that_does_not_tell(tells: bool) -> None:
    """Where the service tells no counts, or none that make sense, a word is one token."""
    with Service(Words(0.0, tells=tells)) as service:
        assert words_of(task_of(url_of(service), warmups=1)) == 1


def test_a_service_that_refuses() -> None:
    """A service that answers with an error leaves a word at one token: the warm-up says what is wrong."""
    with Service(Words(1.0, status="500 No")) as service:
        assert words_of(task_of(url_of(service), warmups=1)) == 1


def test_nothing_is_sent_where_nothing_is_to_be_known(tmp_path: Path) -> None:
    """Without a warm-up, for ids, and for prompts from a file, no request is sent."""
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "a"}\n')
    words = Words(2.0)
    with Service(words) as service:
        url = url_of(service)
        ids = replace(PROMPTS, as_ids=True, vocab_size=100)
        tasks = [task_of(url, warmups=0), task_of(url, ids, warmups=1)]
        tasks.append(task_of(url, JsonlConfig(abbr="p", path=str(path)), warmups=1))
        assert [words_of(task) for task in tasks] == [1, 1, 1]
    assert words.asked == []


def test_a_service_that_is_not_there() -> None:
    """Nobody at the address is told at once, with the address."""
    with Service(Words(1.0)) as service:
        url = url_of(service)
    with pytest.raises(ServiceError, match=f"{url} cannot be reached"):
        words_of(task_of(url, warmups=1))


def test_one_wish_to_stop_is_enough() -> None:
    """Ctrl-C does not wait for a service that has not said a word, as the first one does while a run is measured."""

    def silent(connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            if request.startswith(b"GET "):
                connection.sendall(MODELS)
            elif once.acquire(blocking=False):
                stop()  # heard by now: a request is there

    stop, once = Stop(), threading.Lock()
    with Service(silent) as service:
        assert words_of(task_of(url_of(service), warmups=1), stop) == 1
    assert stop.asked
