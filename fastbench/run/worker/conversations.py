"""Conversations: the turns after the first, each made when the reply before it is there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from msgspec.structs import replace

from fastbench.client import Batch, BatchSink, Engine
from fastbench.datasets import Message, Sample
from fastbench.plan import Planned, RequestWriter
from fastbench.recording import FLAGS, OUTCOMES, TEXT, join_pieces

_OK = OUTCOMES.index("ok")


@dataclass
class _Live:
    """A conversation with a turn that is prepared or in flight."""

    sample: Sample
    request: int
    """Of its first turn."""
    messages: list[Message] = field(default_factory=list)


class Conversations:
    """The conversations of one phase. A turn that fails ends its conversation, and its later turns end as cancelled."""

    def __init__(self, writer: RequestWriter, *, think_ns: int = 0, first: int = 1, step: int = 1) -> None:
        """think_ns: from a reply's end to the next turn. first, step: the conversations' numbers, so that workers who
        share a plan have none in common."""
        self._writer = writer
        self._think_ns = think_ns
        self._live: dict[int, _Live] = {}
        self._next = first
        self._step = step
        self._over = False

    def begin(self, sample: Sample, request: int, offset_ns: int) -> Planned:
        """The request of the first turn."""
        session = self._next
        self._next += self._step
        history = sample.prompt if isinstance(sample.prompt, list) else []
        live = self._live[session] = _Live(sample, request, [dict(message) for message in history])  # type: ignore[arg-type]  # a conversation's prompt is never token ids
        return self._turn(session, live, 0)._replace(offset_ns=offset_ns)

    def end(self) -> None:
        """No further turn is sent, nor counted: the time is over."""
        self._over = True

    def follow(self, engine: Engine, submit: Callable[[Planned, int], None], sink: BatchSink) -> BatchSink:
        """A sink that answers each reply by the next turn, and hands the batch on.

        submit: takes a request and the moment, ns, at which it goes out.
        """

        def on_batch(batch: Batch) -> None:
            for index in np.flatnonzero(batch.rows["session"]):
                if not batch.rows["flags"][index] & FLAGS["superseded"]:
                    self._ended(batch, int(index), engine, submit)
            sink(batch)

        return on_batch

    def _ended(self, batch: Batch, index: int, engine: Engine, submit: Callable[[Planned, int], None]) -> None:
        row = batch.rows[index]
        session, turn = int(row["session"]), int(row["turn"])
        live = self._live.get(session)
        if live is None:
            return  # a turn that was skipped: its conversation has ended
        last = len(live.sample.turns) - 1
        if turn < last and row["outcome"] == _OK and not self._over:
            following = live.sample.turns[turn + 1]
            wait_ns = self._think_ns if following.wait_ns is None else following.wait_ns
            if following.raw is None:
                live.messages.append({"role": "assistant", "content": self._answer(batch, index, live, turn)})
            submit(self._turn(session, live, turn + 1), int(row["message_ns"]) + wait_ns)
            return
        del self._live[session]
        if turn == last:
            return
        if not self._over:
            for unsent in range(turn + 1, last + 1):
                skip = partial(engine.reactor.submit, b"", skip=True, session=session, turn=unsent)
                number = self._writer.class_number(live.sample.turns[unsent].class_name)
                skip(request=live.request + unsent, sample=live.sample.index, class_number=number)
        engine.reactor.release()

    def _answer(self, batch: Batch, index: int, live: _Live, turn: int) -> str:
        answer = live.sample.turns[turn].answer
        if answer is not None:
            return answer
        pieces = [text for row, kind, text in batch.notes if row == index and kind == TEXT]
        return join_pieces(pieces[0])["text"] if pieces else ""

    def _turn(self, session: int, live: _Live, number: int) -> Planned:
        sample, turn = live.sample, live.sample.turns[number]
        if turn.raw is None:
            live.messages += turn.messages
        # Its length was planned for the sample as a whole, if at all.
        asked = replace(
            sample,
            prompt=live.messages,
            input_len=None,
            output_len=turn.output_len,
            turns=(),
            raw=turn.raw,
            class_name=turn.class_name,
        )
        request = self._writer.write(asked, live.request + number)
        return request._replace(session=session, turn=number, more=number + 1 < len(sample.turns))
