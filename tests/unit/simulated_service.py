"""Many services at once on simulated time: the mock's engine with continuous batching, in closed loops of users.

Row k is a service with a clock of its own; a step of all rows is a few numpy calls, so hundreds of searches take
seconds. A step takes the prefill time of the prompts that it admits, plus `decode_s` and `decode_seq_s` for each
sequence that was decoding; at its end every sequence has one more token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Engine:
    """prefill_s: for each prompt token. tokens, prompt: mean lengths (geometric, exponential). cliff: above so many
    sequences a step takes `steep` times as long. noise: the standard deviation of the logarithm of a step's time, a
    process with the correlation time noise_s."""

    decode_s: float = 0.010
    decode_seq_s: float = 0.0005
    prefill_s: float = 0.00001
    tokens: float = 30
    prompt: float = 200
    cliff: int = 1 << 30
    steep: float = 4.0
    noise: float = 0.0
    noise_s: float = 1.0
    jitter: float = 0.05


class Done(NamedTuple):
    """Requests that ended, in the order in which they did; s. row: whose."""

    row: Numbers
    sent: Floats
    first: Floats
    end: Floats
    tokens: Numbers

    @property
    def ttft(self) -> Floats:
        return self.first - self.sent

    @property
    def tpot(self) -> Floats:
        return (self.end - self.first) / np.maximum(self.tokens - 1, 1)


NOTHING = Done(*np.zeros((1, 0), np.int64), *np.zeros((3, 0)), *np.zeros((1, 0), np.int64))


class Services:
    """rows services. limit: (rows,), users of each, which may be changed between steps. now: (rows,), s."""

    def __init__(self, engine: Engine, rows: int, most: int, seed: int) -> None:
        self.engine = engine
        self.limit = np.zeros(rows, np.int64)
        self.now = np.zeros(rows)
        self.requests = np.zeros(rows, np.int64)
        self._random = np.random.default_rng(seed)
        self._noise = self._random.normal(size=rows) * engine.noise
        shape = (rows, most)
        self._slots = np.arange(most)
        self._left, self._tokens = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        self.sent, self._first = np.full(shape, np.inf), np.zeros(shape)
        self._steps = self._width = 0

    def _in_use(self) -> int:
        """Slots beyond which no row has any; looked for from time to time."""
        if self._steps % 100 == 0:
            self._width = int(np.max(np.flatnonzero((self.sent < np.inf).any(axis=0)) + 1, initial=0))
        self._steps += 1
        self._width = max(self._width, int(self.limit.max()))
        return self._width

    def _admit(self, row: Numbers, slot: Numbers) -> Floats:
        """Begins a request at each of the places; the prompts' tokens by row."""
        tokens = self._random.geometric(1 / (self.engine.tokens - 1), row.size) + 1
        prompts = np.bincount(row, self._random.exponential(self.engine.prompt, row.size), self.now.size)
        self._left[row, slot] = self._tokens[row, slot] = tokens
        self.sent[row, slot] = self.now[row]
        self.requests += np.bincount(row, minlength=self.now.size)
        return prompts

    def step(self) -> Done:
        """One step of each row."""
        engine, random, width = self.engine, self._random, self._in_use()
        left, sent = self._left[:, :width], self.sent[:, :width]
        running = left > 0
        decoding = np.count_nonzero(running, axis=1)
        row, slot = np.nonzero(~running & (self._slots[:width] < self.limit[:, None]))
        base = np.where(decoding > 0, engine.decode_s + engine.decode_seq_s * decoding, 0.0)
        base *= np.where(decoding > engine.cliff, engine.steep, 1.0)
        took = base + engine.prefill_s * self._admit(row, slot) if row.size else base
        took *= 1 + engine.jitter * random.uniform(-1, 1, took.size)
        if engine.noise:
            kept = np.exp(-took / engine.noise_s)
            fresh = random.normal(size=took.size) * engine.noise
            self._noise = kept * self._noise + np.sqrt(1 - kept**2) * fresh
            took *= np.exp(self._noise)
        self.now = self.now + np.maximum(took, 1e-6)
        if row.size:
            self._first[row, slot] = self.now[row]
        left -= left > 0
        row, slot = np.nonzero((left == 0) & (sent < np.inf))
        if not row.size:
            return NOTHING
        done = Done(row, self.sent[row, slot], self._first[row, slot], self.now[row], self._tokens[row, slot])
        self.sent[row, slot] = np.inf
        return done


def joined(parts: list[Done]) -> Done:
    """One after the other."""
    return Done(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
