"""Common to the sets of conversations: how their turns are sent."""

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta
from msgspec.structs import replace

from fastbench.datasets.files import FileConfig, FileDataset, in_range
from fastbench.datasets.row_fields import USUAL, length_key, length_names, output_len
from fastbench.datasets.rows import Row, RowError, RowFile
from fastbench.datasets.samples import LeftOut, Sample, Turn
from fastbench.tokenizer import Message

InferMode = Annotated[
    Literal["every", "every_with_gt", "last"],
    Meta(extra_json_schema={"description": '"every", "every_with_gt" or "last"'}),
]
Turns = Callable[[Row], list[Turn]]
"""Row → its turns, with the answers that the row has. Raises RowError."""


class ConversationConfig(FileConfig, frozen=True, kw_only=True):
    """The settings that all sets of conversations have."""

    multi_turn: ClassVar[bool] = True

    infer_mode: InferMode = "every"
    """every: each turn is sent, with the service's own replies as history; every_with_gt: with the set's replies;
    last: only the last turn, with the set's replies."""


def open_conversations(
    rows: RowFile,
    config: ConversationConfig,
    positions: Sequence[int],
    turns: Turns,
    *,
    used: frozenset[str],
    left_out: LeftOut = (),
) -> FileDataset:
    """The conversations of the rows at `positions`. used: the fields that `turns` reads, beside the lengths."""
    make = _last if config.infer_mode == "last" else _every
    feeds_answers = config.infer_mode == "every_with_gt"
    return FileDataset(
        rows,
        lambda index, row: make(index, turns(row), feeds_answers),
        in_range(positions, config.test_range, config.path),
        left_out=left_out,
        used=used | length_names(),
    )


def turn_lengths(row: Row, turns: int) -> list[int | None]:
    """The output length of each turn: one for all, or a list with one for each."""
    key = length_key(row, USUAL)
    given = row.get(key)
    if not isinstance(given, list):
        return [output_len(row, key)] * turns
    if len(given) != turns:
        raise RowError(f"has {len(given)} lengths as {key} for {turns} turns")
    return [output_len({key: length}, key) for length in given]


def _every(index: int, turns: list[Turn], feeds_answers: bool) -> Sample:
    sent = turns if feeds_answers else [replace(turn, answer=None) for turn in turns]
    return Sample(index, [], None, None, None, tuple(sent))


def _last(index: int, turns: list[Turn], _: bool) -> Sample:
    messages: list[Message] = []
    for turn in turns[:-1]:
        # An empty reply keeps the roles in turn where the set has none.
        messages += [*turn.messages, {"role": "assistant", "content": turn.answer or ""}]
    messages += turns[-1].messages
    return Sample(index, messages, None, turns[-1].output_len)
