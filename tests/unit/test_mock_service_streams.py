"""What the mock's streams say, by style and switch; framing is checked by http.client, events by json."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from every import every
from mock_client import (
    CHAT,
    COMPLETIONS,
    Answer,
    Json,
    ask,
    chat,
    chunks_of,
    connect,
    read_all,
    request_bytes,
    text_of,
)
from nursery import Mock

PROMPT = {"model": "mock", "prompt": "one two"}
USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}


def run(options: dict[str, Any], body: Json, path: str = CHAT) -> Answer:
    with Mock(**options) as mock:
        return answered(mock, body, path)


def answered(mock: Mock, body: Json, path: str) -> Answer:
    answer = ask(mock.url, {"stream": True, "max_tokens": 3, **body}, path)
    assert answer.status == 200
    return answer


def finishes(answer: Answer) -> list[str]:
    reasons = (choice.get("finish_reason") for event in answer.events for choice in event["choices"])
    return [reason for reason in reasons if reason]


def usages(answer: Answer) -> list[Json]:
    return [event["usage"] for event in answer.events if event.get("usage")]


def whole_text(answer: Answer, index: int = 0) -> str:
    choices = itertools.chain.from_iterable(event["choices"] for event in answer.events)
    return "".join(text_of(choice) for choice in choices if choice["index"] == index)


def test_vllm_chat_has_the_recorded_shape() -> None:
    """Role, tokens, the finish reason on the last of them, own usage event, [DONE]: key by key as vLLM writes them."""
    answer = run({}, chat(**USAGE))
    role, first, _, last, usage = answer.events
    assert list(role) == ["id", "object", "created", "model", "choices", "prompt_token_ids", "prompt_text"]
    assert role["choices"] == [
        {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
    ]
    text = first["choices"][0]["delta"]["content"]
    assert text.strip()
    assert first["choices"] == [
        {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None, "token_ids": None}
    ]
    assert list(last["choices"][0]) == ["index", "delta", "logprobs", "finish_reason", "stop_reason", "token_ids"]
    assert last["choices"][0]["finish_reason"] == "length"
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 2, "total_tokens": 5, "completion_tokens": 3}
    assert answer.data[-1] == "[DONE]"
    assert len({event["id"] for event in answer.events}) == 1
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"


def test_vllm_completions_have_the_recorded_shape() -> None:
    """No role event; `text` with vLLM's keys; no usage unless asked for."""
    answer = run({}, PROMPT, COMPLETIONS)
    first = answer.events[0]["choices"][0]
    assert list(first) == [
        "index", "text", "logprobs", "finish_reason", "stop_reason", "prompt_token_ids", "token_ids",
    ]  # fmt: skip
    assert [len(answer.events), len(answer.outputs), finishes(answer), usages(answer)] == [3, 3, ["length"], []]


def test_llama_joins_role_and_finish_to_their_neighbours() -> None:
    """The role shares the first token's HTTP chunk, finish and usage share the last; the head waits for the token."""
    with Mock(style="llama", ttft_ms=100) as mock, connect(mock.url) as connection:
        body = chat(stream=True, max_tokens=3, **USAGE)
        connection.sendall(request_bytes(body, CHAT, "connection: close"))
        head, _, framed = b"".join(read_all(connection)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    chunks = [data for _, data in chunks_of(framed)]
    assert [chunk.count(b"data: ") for chunk in chunks] == [2, 1, 1, 2, 1]
    first = json.loads(chunks[0].split(b"\n\n")[0][6:])
    assert list(first) == ["choices", "created", "id", "model", "system_fingerprint", "object"]
    assert first["choices"] == [{"finish_reason": None, "index": 0, "delta": {"role": "assistant", "content": None}}]
    finish, usage = (json.loads(block[6:]) for block in chunks[3].split(b"\n\n")[:2])
    assert finish["choices"] == [{"finish_reason": "length", "index": 0, "delta": {}}]
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 3)
    assert usage["timings"]["predicted_n"] == 3


def test_llama_completions_put_usage_on_the_finish_event() -> None:
    """As recorded: text empty, finish reason and usage in one event."""
    last = run({"style": "llama"}, {**PROMPT, **USAGE}, COMPLETIONS).events[-1]
    assert (last["choices"][0]["text"], last["choices"][0]["finish_reason"]) == ("", "length")
    assert last["usage"]["total_tokens"] == 5


def test_transformers_end_without_done() -> None:
    """No [DONE], no finish_reason key before the finish event, usage there unasked."""
    answer = run({"style": "transformers"}, chat())
    assert "[DONE]" not in answer.data
    assert all("finish_reason" not in event["choices"][0] for event in answer.events[:-1])
    assert answer.events[0]["choices"] == [{"delta": {"role": "assistant"}, "index": 0}]
    assert answer.events[-1]["choices"] == [{"delta": {}, "index": 0, "finish_reason": "length"}]
    assert answer.events[-1]["usage"]["completion_tokens"] == 3


@every("style", ["vllm", "llama", "transformers"])
@every("usage", ["own", "joined", "finish", "each", "never"])
@every("finish", ["last", "own"])
def test_every_mix_of_switches_counts_right(style: str, usage: str, finish: str) -> None:
    """Whatever the style and the switches: the same tokens, one finish reason, and usage where it was asked."""
    with Mock(style=style, usage=usage, usage_always=True, finish=finish, double_done=True) as mock:
        answers = {path: answered(mock, {**body, "max_tokens": 5}, path) for path, body in BOTH.items()}
    for path, answer in answers.items():
        check_counts(path, usage, finish, answer)


BOTH = {CHAT: chat(), COMPLETIONS: PROMPT}


def check_counts(path: str, usage: str, finish: str, answer: Answer) -> None:
    """Five tokens, as these switches have them, at this path."""
    assert answer.data[-2:] == ["[DONE]"] * 2
    assert len(answer.outputs) == 5
    assert whole_text(answer).count(" ") == 5
    assert finishes(answer) == ["length"]
    found = usages(answer)
    counts = [value["completion_tokens"] for value in found]
    if usage == "each":
        assert counts == [0] * (path == CHAT) + [1, 2, 3, 4, 5] + [5] * (finish == "own") + [5]
    else:
        assert counts == ([] if usage == "never" else [5])
    carriers = [event["choices"] for event in answer.events if event.get("usage")]
    if usage in ("own", "joined"):
        assert carriers == [[]]
    elif usage == "finish":
        assert carriers[0][0]["finish_reason"] == "length"


@pytest.mark.parametrize("role", ["own", "joined", "none"])
@pytest.mark.parametrize("choices", [1, 3])
def test_the_role_switch(role: str, choices: int) -> None:
    """A role event for each choice, before its first token, or none at all."""
    answer = run({"role": role}, chat(n=choices))
    roles = [event for event in answer.events if event["choices"][0]["delta"].get("role")]
    assert len(roles) == (0 if role == "none" else choices)
    assert len(answer.outputs) == 3 * choices


def test_continuous_usage_as_asked() -> None:
    """`continuous_usage_stats` puts usage in each event of that request only."""
    fields: dict[str, Any] = {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}
    assert [value["completion_tokens"] for value in usages(run({}, chat(**fields)))] == [0, 1, 2, 3, 3]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_comes_first(field: str) -> None:
    """The first tokens stand in the reasoning field, in events of their own, and usage counts them."""
    options = {"reasoning": 5, "reasoning_field": field, "tokens_per_event": 4}
    answer = run(options, chat(max_tokens=11, **USAGE))
    deltas = [event["choices"][0]["delta"] for event in answer.outputs]
    assert [list(delta) for delta in deltas] == [[field], [field], ["content"], ["content"]]
    assert [text_of(event["choices"][0]).count(" ") for event in answer.outputs] == [1, 4, 4, 2]
    assert usages(answer)[-1]["completion_tokens_details"] == {"reasoning_tokens": 5}


def test_reasoning_may_be_the_whole_output() -> None:
    """When the limit falls inside the reasoning, its last event has the finish reason."""
    answer = run({"reasoning": 9}, chat())
    assert [list(event["choices"][0]["delta"]) for event in answer.outputs] == [["reasoning"]] * 3
    assert finishes(answer) == ["length"]


def test_several_tokens_in_an_event() -> None:
    """The first event has one token, the others eight, the last what is left: 1 + 8 x 3 + 7 = 32."""
    answer = run({"tokens_per_event": 8}, chat(max_tokens=32, return_token_ids=True))
    ids = [event["choices"][0]["token_ids"] for event in answer.outputs]
    assert [len(part) for part in ids] == [1, 8, 8, 8, 7]
    assert [text_of(event["choices"][0]).count(" ") for event in answer.outputs] == [1, 8, 8, 8, 7]


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
def test_token_ids_as_asked(path: str) -> None:
    """`return_token_ids` gives one id for each token, the same for the same word, and the prompt's ids once."""
    body = {**(chat() if path == CHAT else PROMPT), "return_token_ids": True, "max_tokens": 100}
    answer = run({}, body, path)
    words: dict[int, str] = {}
    for event in answer.outputs:
        choice = event["choices"][0]
        (token,) = choice["token_ids"]
        assert words.setdefault(token, text_of(choice)) == text_of(choice)
    prompts = [event.get("prompt_token_ids", event["choices"][0].get("prompt_token_ids")) for event in answer.events]
    assert len(prompts[0]) == 2
    assert set(prompts[1:]) == {None}


def test_choices_take_turns() -> None:
    """n = 3: each choice has all its tokens and its own finish reason, usage adds them up."""
    answer = run({}, chat(n=3, **USAGE))
    assert [event["choices"][0]["index"] for event in answer.outputs] == [0, 1, 2] * 3
    assert finishes(answer) == ["length"] * 3
    assert usages(answer)[-1]["completion_tokens"] == 9
    assert len({whole_text(answer, index) for index in range(3)}) == 3


def test_two_prompts_are_two_choices() -> None:
    """A list of prompts gives a choice for each; usage counts the tokens of all prompts."""
    answer = run({}, {"model": "mock", "prompt": ["a", "b c"], **USAGE}, COMPLETIONS)
    assert [event["choices"][0]["index"] for event in answer.outputs] == [0, 1] * 3
    assert usages(answer)[-1] == {"prompt_tokens": 3, "total_tokens": 9, "completion_tokens": 6}


def test_eos_ends_early_unless_ignored() -> None:
    """With an end-of-sequence rate outputs stop at seeded lengths, not below min_tokens, and not with ignore_eos."""
    with Mock(eos_rate=0.2) as mock:
        body = chat(stream=True, max_tokens=50, min_tokens=3)
        answers = [ask(mock.url, body) for _ in range(30)]
        ignored = ask(mock.url, {**body, "ignore_eos": True})
    lengths = [len(answer.outputs) for answer in answers]
    assert min(lengths) >= 3
    assert len(set(lengths)) > 5
    assert 4 < sum(lengths) / len(lengths) < 12
    assert {finishes(answer)[0] for answer in answers if len(answer.outputs) < 50} == {"stop"}
    assert (len(ignored.outputs), finishes(ignored)) == (50, ["length"])


@pytest.mark.parametrize("tokens", [1, 3, 7])
@pytest.mark.parametrize("finish", ["last", "own"])
def test_choices_of_different_lengths_end_apart(tokens: int, finish: str) -> None:
    """Each choice ends by itself, also within one step; no event follows its finish reason."""
    options = {"eos_rate": 0.1, "seed": 5, "tokens_per_event": tokens, "finish": finish}
    answer = run(options, chat(n=8, max_tokens=60, return_token_ids=True, **USAGE))
    ended: set[int] = set()
    for event in answer.events[:-1]:
        choice = event["choices"][0]
        assert choice["index"] not in ended
        if choice["finish_reason"]:
            ended.add(choice["index"])
    assert ended == set(range(8))
    sent = sum(len(event["choices"][0]["token_ids"]) for event in answer.outputs)
    assert usages(answer)[-1]["completion_tokens"] == sent


def test_default_lengths() -> None:
    """Without max_tokens a completion has 16 tokens, a chat 128."""
    with Mock() as mock:
        assert ask(mock.url, PROMPT, COMPLETIONS).json["usage"]["completion_tokens"] == 16
        assert ask(mock.url, chat()).json["usage"]["completion_tokens"] == 128


@pytest.mark.parametrize("spaced", [False, True])
def test_json_spacing(spaced: bool) -> None:
    """Compact or with spaces, byte for byte as json.dumps writes it."""
    answer = run({"spaced": spaced}, chat(**USAGE))
    separators = (", ", ": ") if spaced else (",", ":")
    for data in answer.data[:-1]:
        assert data == json.dumps(json.loads(data), separators=separators, ensure_ascii=False)


def test_hostile_text_arrives_as_text() -> None:
    """Tokens that look like protocol are escaped: the events parse and all of them come through."""
    answer = run({"text": "hostile"}, chat(max_tokens=64, return_token_ids=True))
    assert len(answer.outputs) == 64
    text = whole_text(answer)
    assert "\n\ndata: [DONE]\n\n" in text
    assert '"finish_reason":"stop"' in text
    assert "\r\n0\r\n\r\n" in text
    assert finishes(answer) == ["length"]


@pytest.mark.parametrize("upper", [False, True])
def test_chunk_sizes_are_plain_hex(upper: bool) -> None:
    """Every chunk's size is its length in hex without leading zeros, in the case asked for."""
    with Mock(upper_hex=upper, tokens_per_event=300) as mock, connect(mock.url) as connection:
        connection.sendall(request_bytes(chat(stream=True, max_tokens=700), CHAT, "connection: close"))
        framed = b"".join(read_all(connection)).partition(b"\r\n\r\n")[2]
    sizes = [size.decode() for size, _ in chunks_of(framed)]
    for size, (_, data) in zip(sizes, chunks_of(framed), strict=True):
        assert size == format(len(data), "X" if upper else "x")
    assert {len(size) for size in sizes} >= {1, 2, 3}


def test_framing_by_the_end_of_the_connection() -> None:
    """`framing=close` sends no chunks and ends with FIN; so does a reply to HTTP/1.0."""
    body = chat(stream=True, max_tokens=3)
    with Mock(framing="close") as mock, connect(mock.url) as connection:
        connection.sendall(request_bytes(body))
        closed = b"".join(read_all(connection))
    with Mock() as mock, connect(mock.url) as connection:
        connection.sendall(request_bytes(body).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        old = b"".join(read_all(connection))
    for reply in (closed, old):
        head, _, events = reply.partition(b"\r\n\r\n")
        assert b"transfer-encoding" not in head
        assert b"connection: close" in head
        assert Answer(200, {}, events).data[-1] == "[DONE]"


def test_heartbeats_fill_silence() -> None:
    """Comments come while nothing else does, and not between tokens that come often."""
    body = chat(stream=True, max_tokens=5)
    with Mock(ttft_ms=400, itl_ms=1, heartbeat_ms=50) as mock:
        answer = ask(mock.url, body)
    comments = answer.body.count(b": ping\n\n")
    assert 3 <= comments <= 8
    assert answer.body.startswith(b": ping\n\n")
    assert len(answer.outputs) == 5


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
@pytest.mark.parametrize("reasoning", [0, 2])
def test_a_reply_that_is_no_stream(path: str, reasoning: int) -> None:
    """One JSON body with all choices, the same words as the stream of that request, and usage."""
    body = {**(chat() if path == CHAT else PROMPT), "max_tokens": 4, "n": 2, "return_token_ids": True}
    with Mock(reasoning=reasoning, seed=9) as mock:
        whole = ask(mock.url, body, path).json
    with Mock(reasoning=reasoning, seed=9) as mock:
        stream = ask(mock.url, {**body, "stream": True}, path)
    assert whole["object"] == ("chat.completion" if path == CHAT else "text_completion")
    for choice in whole["choices"]:
        assert text_of(choice.get("message", choice)) == whole_text(stream, choice["index"])
        assert (choice["finish_reason"], len(choice["token_ids"])) == ("length", 4)
        if path == CHAT and reasoning:
            assert choice["message"]["reasoning"].count(" ") == reasoning
    assert whole["usage"]["completion_tokens"] == 8


def test_the_seed_decides_everything_random() -> None:
    """Same seed, same bytes but for the time; another seed, other words."""

    def bodies(seed: int) -> list[str]:
        with Mock(seed=seed, eos_rate=0.1) as mock:
            return [whole_text(ask(mock.url, chat(stream=True))) for _ in range(5)]

    assert bodies(1) == bodies(1)
    assert bodies(1) != bodies(2)
