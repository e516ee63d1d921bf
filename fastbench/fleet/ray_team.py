"""The workers of a task on other hosts: begun at one moment, heard to their end, their recordings fetched."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from fastbench.errors import FastbenchError, ServiceError
from fastbench.fleet.deaths import Death
from fastbench.fleet.errand import Errand
from fastbench.fleet.exchange import Exchanges
from fastbench.fleet.fetch import fetch
from fastbench.fleet.remote import News, Order
from fastbench.fleet.team import TeamEnd
from fastbench.load.progress import Progress, together
from fastbench.load.sharing import Share
from fastbench.recording.request_ids import new_run_id
from fastbench.units import NS_PER_S

log = logging.getLogger("fastbench")

TELL_S = 0.25
"""How often each worker is told and asked, where they are few."""
WORDS_PER_S = 400
"""Of all workers together: so many cost the coordinator a part of one processor."""
START_MARGIN_NS = 2 * NS_PER_S
"""From the last worker's word that it is ready to the common start, which all of them must hear of by then."""
FETCHES = 4
"""Recordings that are brought home at a time."""


class Hand:
    """One worker as the coordinator knows it."""

    def __init__(self, actor: Any, share: Share, host: str) -> None:
        self.actor = actor
        self.share = share
        self.host = host
        self.run: Any = None
        self.word: Any = None
        """The answer that is waited for."""
        self.asked_ns = 0
        self.ready = False
        self.died = False
        self.progress: Progress | None = None

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"worker {self.share.number} on {self.host}"


class RayTeam:
    """All workers of a task."""

    def __init__(self, ray: Any, errand: Errand, hands: list[Hand], planned: int | None) -> None:
        """planned: requests of them all, None = as many as the time allows."""
        self._ray = ray
        self._errand = errand
        self._hands = hands
        self._planned = planned
        base_ns = time.time_ns() - time.monotonic_ns()
        self._clocks = {hand.share.number: Exchanges(base_ns) for hand in hands}
        self._living = list(hands)
        self._tell_s = max(TELL_S, len(hands) / WORDS_PER_S)
        self._stops = 0
        self._start_ns: int | None = None
        self._complete = True
        self._error: FastbenchError | None = None

    def stop(self, asked: int) -> None:
        """Hands the user's wishes on, as many as he had."""
        self._stops = max(self._stops, asked)

    def to_its_end(self) -> TeamEnd:
        """Runs all workers; returns when the last has ended and what there is of their recordings is here.

        A worker that dies before the common start is a ServiceError; one that dies later is told of in the end.
        """
        self._begin()
        while self._living:
            self._tell()
            self._hear()
        self._bring_home()
        if self._error is not None:
            raise self._error
        died = tuple(Death(hand.share.number, hand.host) for hand in self._hands if hand.died)
        if died and self._start_ns is None:
            names = ", ".join(hand.name for hand in self._hands if hand.died)
            raise ServiceError(f"{names} died before the load began")
        return TeamEnd(self._complete, died)

    def _begin(self) -> None:
        run_id = new_run_id()
        for hand in self._hands:
            self._clocks[hand.share.number].measure(partial(self._mono_ns, hand))
        # The clocks stand in the headers, so every worker is told of its own first.
        self._ray.get([hand.actor.tell.remote(self._order(hand)) for hand in self._hands])
        for hand in self._hands:
            hand.run = hand.actor.run.remote(self._errand.task, hand.share, run_id, self._errand.tokens_per_word)

    def _mono_ns(self, hand: Hand) -> int:
        mono_ns: int = self._ray.get(hand.actor.mono_ns.remote())
        return mono_ns

    def _order(self, hand: Hand) -> Order:
        clock = self._clocks[hand.share.number]
        start_ns = None if self._start_ns is None else clock.there(self._start_ns)
        return Order(self._stops, start_ns, clock.best)

    def _tell(self) -> None:
        for hand in self._living:
            if hand.word is None:
                hand.asked_ns = time.monotonic_ns()
                hand.word = hand.actor.tell.remote(self._order(hand))

    def _hear(self) -> None:
        """Hears what comes until it is time to tell again."""
        until = time.monotonic() + self._tell_s
        while self._living and (left := until - time.monotonic()) > 0:
            waiting = [hand.run for hand in self._living] + [
                hand.word for hand in self._living if hand.word is not None
            ]
            done, _ = self._ray.wait(waiting, num_returns=1, timeout=left)
            for hand in list(self._living):
                if hand.word in done:
                    self._take_word(hand)
                if hand.run in done:
                    self._take_end(hand)

    def _take_word(self, hand: Hand) -> None:
        word, hand.word = hand.word, None
        try:
            news: News = self._ray.get(word)
        except self._ray.exceptions.RayError:
            return  # the end of its run will say what happened
        self._clocks[hand.share.number].add(hand.asked_ns, news.mono_ns)
        hand.ready = news.ready
        if news.progress is not None:
            hand.progress = news.progress
            self._observe()
        if self._start_ns is None and all(one.ready for one in self._living) and len(self._living) == len(self._hands):
            self._start_ns = time.monotonic_ns() + START_MARGIN_NS + round(2 * self._tell_s * NS_PER_S)

    def _take_end(self, hand: Hand) -> None:
        self._living.remove(hand)
        try:
            complete, error = self._ray.get(hand.run)
        except self._ray.exceptions.RayTaskError as found:
            last = str(found).strip().splitlines()[-1]
            complete, error = False, ServiceError(f"{hand.name} failed: {last}")
        except self._ray.exceptions.RayError as found:
            hand.died = True
            log.error("%s died: %s", hand.name, " ".join(str(found).split()))
            if hand.progress is not None:
                hand.progress = hand.progress._replace(in_flight=0, ended=True)
            self._give_up_start()
            return
        self._complete &= complete
        if error is not None:
            log.error("%s: %s", hand.name, error)
            self._error = self._error or error
            self._stops = max(self._stops, 1)
        if not complete:
            self._give_up_start()

    def _give_up_start(self) -> None:
        """Nobody waits for one that will never be ready."""
        if self._start_ns is None:
            self._stops = max(self._stops, 2)

    def _observe(self) -> None:
        now = together([hand.progress for hand in self._hands if hand.progress is not None])
        known = self._planned is not None and now.phase == "measure"
        self._errand.observer(now._replace(planned=self._planned) if known else now)

    def _bring_home(self) -> None:
        """Fetches the recordings of all workers that live; of one that dies meanwhile, what there is."""
        with ThreadPoolExecutor(FETCHES) as pool:
            for hand, whole in zip(self._hands, pool.map(self._fetched, self._hands), strict=True):
                hand.died |= not whole

    def _fetched(self, hand: Hand) -> bool:
        if hand.died:
            return True
        try:
            fetch(self._ray, hand.actor, self._errand.recording, self._errand.log)
        except self._ray.exceptions.RayError as error:
            log.error("the recording of %s could not be fetched: %s", hand.name, " ".join(str(error).split()))
            return False
        return True
