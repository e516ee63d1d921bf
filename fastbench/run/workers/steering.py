"""A pilot of several workers: what they tell becomes what one would have told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastbench.run.worker import News, Pilot


class Steering:
    """Joins the news of all workers of a host, whose clock is one, for a pilot."""

    def __init__(self, pilot: Pilot, workers: int) -> None:
        self.pilot = pilot
        self._workers = workers
        self._latest: dict[int, News] = {}
        self._ended: list[NDArray[np.void]] = []
        self._fresh: set[int] = set()

    def take(self, worker: int, news: News) -> bool:
        """Takes what one worker tells; whether the pilot now wants another visit than before."""
        self._latest[worker] = news
        self._ended.append(news.ended)
        self._fresh.add(worker)
        wanted = self.pilot.visit
        if wanted is None or len(self._fresh) < self._workers:
            return False
        parts = list(self._latest.values())
        if any(part.visit != wanted.number for part in parts):
            return False  # not all are at that level yet
        self._fresh.clear()
        ended, self._ended = np.concatenate(self._ended), []
        self.pilot.take(
            News(
                wanted.number,
                max(part.now_ns for part in parts),
                max(part.changed_ns for part in parts),
                sum(part.in_flight for part in parts),
                min(part.known_ns for part in parts),
                sum(part.output_events for part in parts),
                sum(part.sent for part in parts),
                max(part.cpu_ns for part in parts),
                ended,
                over=all(part.over for part in parts),
            )
        )
        return self.pilot.visit != wanted
