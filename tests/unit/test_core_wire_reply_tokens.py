"""How many tokens a response has, and each of its output events."""

from __future__ import annotations

import pytest
from replies import DONE, FINISH, delta, event, read, stream, usage


def ids(content: str, *numbers: int, finish: str | None = None) -> bytes:
    return delta(content, finish, token_ids=list(numbers))


def growing(content: str, total: int, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return event({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": total}})


@pytest.mark.parametrize(
    ("events", "tokens"),
    [
        ([ids("a", 1, 2), ids("b", 3), ids("c", 4, 5, 6, finish="stop")], [2, 1, 3]),
        ([ids("a", 1), ids("b", 2), ids("c", 3, 4), ids("d", 5, finish="stop")], [1, 1, 2, 1]),
        ([ids("", 1), ids("a", 2), ids("b", 3), ids("", 4, finish="stop")], [2, 2]),
        ([ids("a", 1, 2), ids("", 3), ids("", 4), ids("b", 5, finish="stop")], [2, 3]),
        ([growing("", 0), growing("a", 2), growing("b", 3), growing("c", 7, "stop"), usage(3, 7)], [2, 1, 4]),
        ([growing("", 1), growing("a", 2), growing("b", 3), growing("", 5, "stop")], [2, 3]),
    ],
)
def test_tokens_of_each_event(events: list[bytes], tokens: list[int]) -> None:
    """Ids, or a usage that grows, give each output event its tokens; what came without text goes to a neighbour."""
    result = read(stream(*events, DONE))
    assert result.event_tokens == tokens
    assert result.output[0] == sum(tokens)


@pytest.mark.parametrize(
    "events",
    [
        [ids("a", 1), ids("b", 2), ids("c", 3, finish="stop")],
        [growing("a", 1), growing("b", 2, "stop"), usage(3, 2)],
    ],
)
def test_single_tokens_need_no_list(events: list[bytes]) -> None:
    """A stream of single tokens has no list of tokens per event."""
    result = read(stream(*events))
    assert result.event_tokens is None
    assert result.output[0] == result.row["events"]


@pytest.mark.parametrize(
    "events",
    [
        [ids("a", 1, 2), delta("b"), ids("c", 3, finish="stop")],
        [ids("", 1), delta("b"), ids("c", 2, 3, finish="stop")],
        [ids("", 1, 2, 3), delta("b"), ids("c", 2, 3, finish="stop")],
        [delta("a"), delta("b"), usage(3, 9), FINISH],
        [growing("a", 5), growing("b", 3, "stop")],
        [growing("a", 0), growing("b", 2, "stop")],
        [growing("a", 7), growing("b", 7), growing("c", 7), growing("d", 7, "stop")],
    ],
)
def test_unknown_tokens_are_not_guessed(events: list[bytes]) -> None:
    """Where one output event did not tell its tokens, no event has any."""
    assert read(stream(*events)).event_tokens is None


def test_growing_usage_of_two_choices_is_no_count_of_events() -> None:
    """A usage that adds up two choices does not say what one event has."""
    one = {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}
    two = {"index": 1, "delta": {"content": "b"}, "finish_reason": "stop"}
    events = [
        event({"choices": [part], "usage": {"completion_tokens": 3 * k + 3}}) for k, part in enumerate((one, two))
    ]
    result = read(stream(*events))
    assert (result.event_tokens, result.output) == (None, (6, "usage"))


def test_an_event_of_very_many_tokens() -> None:
    """An event's tokens are clipped at what 16 bits hold; the request's own count is not."""
    result = read(stream(ids("a", *range(60_000)), ids("", *range(10_000), finish="stop")))
    assert (result.event_tokens, result.output) == ([65_535], (70_000, "token_ids"))


@pytest.mark.parametrize(
    ("events", "count"),
    [
        ([delta("a", "stop"), usage(19, 7)], ((19, "usage"), (7, "usage"))),
        ([delta("a"), delta("b", "stop")], ((-1, "unknown"), (2, "events"))),
        ([ids("a", 1, 2, 3, finish="stop"), usage(19, 7)], ((19, "usage"), (3, "token_ids"))),
        ([event({"prompt_token_ids": [1, 2], "choices": []}), delta("a", "stop")], ((2, "token_ids"), (1, "events"))),
        ([growing("a", 4), growing("b", 9, "stop")], ((3, "usage"), (9, "usage"))),
        ([delta("a", "stop"), delta("b", "stop", 1), usage(5, 24), usage(5, 20)], ((5, "usage"), (44, "usage"))),
        ([delta("a", "stop"), delta("b", "stop", 1), usage(5, 44)], ((5, "usage"), (44, "usage"))),
        ([delta("a", "stop"), usage(5, 7), usage(5, 8)], ((5, "usage"), (8, "usage"))),
        ([delta("a", "stop"), event({"usage": {"prompt_tokens": 5, "completion_tokens": None}})],
         ((5, "usage"), (1, "events"))),
        ([delta("a", "stop"), event({"usage": {"prompt_tokens": 1 << 40, "completion_tokens": 1 << 31}})],
         ((-1, "unknown"), (1, "events"))),
        ([delta("a", "stop"), delta("b", "stop", 1), usage(5, 0x7FFFFFFF), usage(5, 0x7FFFFFFF)],
         ((5, "usage"), (-1, "usage"))),
    ],
)  # fmt: skip
def test_token_counts(events: list[bytes], count: tuple[tuple[int, str], tuple[int, str]]) -> None:
    """Ids go before usage, usage before the count of events; one usage for each choice is added up."""
    result = read(stream(*events, DONE))
    assert (result.input, result.output) == count


def test_cached_tokens() -> None:
    """Cached prompt tokens are kept where the service tells them, else they are not known."""
    told = usage(19, 1, prompt_tokens_details={"cached_tokens": 16})
    assert read(stream(delta("a", "stop"), told)).row["cached_tokens"] == 16
    assert read(stream(delta("a", "stop"), usage(19, 1))).row["cached_tokens"] == -1
