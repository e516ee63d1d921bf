"""A trace as a data set: times of one file, lengths of it, of another file or of a law, and words of as many tokens."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastbench.config.fields import Lengths
from fastbench.datasets.files import in_range
from fastbench.datasets.mooncake import MooncakeConfig, open_mooncake, times_of
from fastbench.datasets.rows import open_rows
from fastbench.datasets.samples import Dataset, DatasetFormat, Extent, Sample, Survey
from fastbench.datasets.synthetic import law_of
from fastbench.datasets.text import SESSIONS, CutText, RealText, open_text
from fastbench.datasets.traces.layouts import SHARED
from fastbench.datasets.traces.loading import ALONE, Trace, falls, load_trace
from fastbench.datasets.traces.settings import TraceConfig
from fastbench.datasets.traces.tables import open_table
from fastbench.errors import ConfigError, DatasetError
from fastbench.tokenizer import Draws, Prompt, TokenMeasure, Words, words_for
from fastbench.units import NS_PER_MS

_OPTION, _LENGTHS_OPTION = "columns (--trace-columns)", "lengths_columns of the data set, in a config,"
_INPUTS, _OUTPUTS, _OWN, _SESSIONS = 10, 11, 12, 13


class _Prompts(Protocol):
    """What the prompts of requests are made of."""

    def prompt(self, index: int, session: int, length: int) -> Prompt:
        """The prompt of sample `index`, `length` tokens; those of a session begin alike."""
        ...

    def notes(self, longest: int, prompts: int) -> Iterator[str]:
        """What readers of the numbers must know. longest: of the prompts, tokens."""
        ...


class ReplayDataset:
    """The rows of a trace that are used, in their order; each has a prompt of its own, and those of one session begin
    alike."""

    def __init__(self, config: TraceConfig, prompts: _Prompts, trace: Trace, lengths: Trace) -> None:
        """lengths: the trace that has them, the same one or another. Raises DatasetError."""
        self._trace = trace
        self._path = config.path
        # In their order also where they were drawn, so that times rise.
        self._rows = np.array(sorted(in_range(range(trace.rows), config.test_range, config.path)), np.int64)
        self._times = None if trace.times is None else trace.times[self._rows] - trace.times[self._rows[0]]
        own = lengths is trace
        places = self._rows if own else np.arange(len(self._rows)) % lengths.rows
        self._inputs = _Lengths(lengths.inputs, places, config.input_len)
        self._outputs = _Lengths(lengths.outputs, places, config.output_len)
        if self._inputs.missing:
            raise DatasetError(
                f"{config.path if own else config.lengths}: no column holds prompt lengths; name it with "
                f"{_OPTION if own else _LENGTHS_OPTION} input=NAME, or set input_len (--input-len)"
            )
        self._in_draws, self._out_draws = Draws(config.seed or 0, _INPUTS), Draws(config.seed or 0, _OUTPUTS)
        self._prompts = prompts
        longest = self._inputs.longest(len(self._rows)) or 1
        self._notes = (*_notes(config, trace, lengths, len(self._rows)), *prompts.notes(longest, len(self._rows)))

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(self._rows)

    def survey(self, limit: int | None) -> Survey:
        """What a run of at most `limit` samples will send."""
        count = self.count if limit is None else min(limit, self.count)
        named = set(self._trace.used.names)
        unused = tuple((name, count) for name in self._trace.columns if name not in named)
        timed = 0 if self._times is None else count
        of_sessions = self._trace.sessions[self._rows[:count]]
        of_sessions = of_sessions[of_sessions != ALONE]
        shares = "the beginnings of their sessions" if np.unique(of_sessions).size < of_sessions.size else ""
        longest = self._outputs.longest(count)
        return Survey(
            *(count, count, longest, timed),
            unused=unused,
            notes=self._notes,
            extents=(self._longest(count),),
            shares=shares,
        )

    def _longest(self, count: int) -> Extent:
        """Of the first requests; where a law draws lengths, the most that it can."""
        inputs, outputs = self._inputs.most(count), self._outputs.most(count)
        index = int(np.argmax(inputs + outputs))
        place = f"{self._path}, request {index + 1} of the trace"
        return Extent(int(inputs[index]), int(outputs[index]) or None, place, index)

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Sample]:
        """The samples `start`, `start + step`, …, made one at a time."""
        return map(self.sample, range(start, self.count, step))

    def sample(self, index: int) -> Sample:
        """Sample `index`."""
        length = self._inputs.of(index, self._in_draws) or 1
        session = int(self._trace.sessions[self._rows[index]])
        time = None if self._times is None else int(self._times[index])
        prompt = self._prompts.prompt(index, session, length)
        return Sample(index, prompt, length, self._outputs.of(index, self._out_draws), time)


class _Lengths:
    """The lengths of a run's requests: those of a trace, or of a law that goes over them."""

    def __init__(self, found: NDArray[np.int32] | None, places: NDArray[np.int64], asked: Lengths | None) -> None:
        """found: those of the trace's rows. places: the row of each request."""
        self._asked = asked
        self._law = law_of(asked) if asked else None
        self._lengths = None if found is None or asked else found[places]

    @property
    def missing(self) -> bool:
        """Whether nothing says how long they are."""
        return self._law is None and self._lengths is None

    def of(self, index: int, draws: Draws) -> int | None:
        """Of request `index`; None = not said."""
        if self._law is not None:
            return self._law.draw(draws.at(index))
        return None if self._lengths is None else int(self._lengths[index])

    def most(self, count: int) -> NDArray[np.int64]:
        """(count,): of the first requests the most that each can have; 0 = not said."""
        if self._asked is not None:
            return np.full(count, self._asked.high, np.int64)
        return np.zeros(count, np.int64) if self._lengths is None else self._lengths[:count].astype(np.int64)

    def longest(self, count: int) -> int | None:
        """Of the first `count`; None = not said."""
        if self._asked is not None:
            return self._asked.high
        return None if self._lengths is None else int(self._lengths[:count].max())


class WordPrompts:
    """Words for each request; those of a session are the start of one long text, as a conversation's history grows."""

    def __init__(self, seed: int, words: Words) -> None:
        self._words = words
        self._last = len(words) - 1
        self._own, self._shared = Draws(seed, _OWN), Draws(seed, _SESSIONS)

    def prompt(self, index: int, session: int, length: int) -> Prompt:
        """The prompt of sample `index`, `length` tokens."""
        draws = self._own.at(index) if session == ALONE else self._shared.at(session)
        return self._words.prompt(draws.integers(0, self._last, self._words.pieces(length)))

    def notes(self, longest: int, prompts: int) -> Iterator[str]:
        """None: words never end."""
        yield from ()


class TextPrompts:
    """Real text for each request; requests of a session begin at one place of it."""

    def __init__(self, seed: int, text: CutText) -> None:
        self._text = RealText(text, seed)

    def prompt(self, index: int, session: int, length: int) -> Prompt:
        """The prompt of sample `index`, `length` tokens."""
        return self._text.prompt(index if session == ALONE else SESSIONS + session, length)

    def notes(self, longest: int, prompts: int) -> Iterator[str]:
        """What readers of the numbers must know. longest: of the prompts, tokens."""
        return self._text.notes(longest, prompts)


def _notes(config: TraceConfig, trace: Trace, lengths: Trace, requests: int) -> Iterator[str]:
    for path, one in {config.path: trace, config.lengths or config.path: lengths}.items():
        if one.failed:
            what = "1 row is" if one.failed == 1 else f"{one.failed} rows are"
            yield f"{what} left out of {path}: requests that failed, whose {one.used.output} are 0"
    if lengths.rows < requests and lengths is not trace:
        yield f"{config.lengths} has lengths for {lengths.rows} of {requests} requests: they are used again"


def open_trace(config: TraceConfig, measure: TokenMeasure) -> Dataset:
    """Raises DatasetError for what is wrong with the files, ConfigError where the tokenizer cannot be used."""
    changed = (config.columns, config.lengths, config.input_len, config.output_len, config.text)
    if changed == (None,) * len(changed) and SHARED in open_table(config.path).columns:
        as_mooncake = MooncakeConfig(
            abbr=config.abbr,
            path=config.path,
            test_range=config.test_range,
            random_seed=config.made_by,
            fixed_schedule_auto_offset=True,
        )
        if not config.sort:
            _refuse_falling(config.path)
        return open_mooncake(as_mooncake, measure)
    trace = load_trace(config.path, config.columns, _OPTION, sort=config.sort)
    lengths = trace
    if config.lengths is not None:
        lengths = load_trace(config.lengths, config.lengths_columns, _LENGTHS_OPTION, timed=False)
    return ReplayDataset(config, _prompts(config, measure), trace, lengths)


def _refuse_falling(path: str) -> None:
    """Raises DatasetError for a row of a trace of Mooncake's whose time comes before that of the row above it."""
    rows = open_rows(path)
    times = times_of(rows)
    timed = np.flatnonzero(times >= 0)
    fallen = np.flatnonzero(np.diff(times[timed]) < 0)
    if fallen.size:
        above, position = timed[fallen[0] : fallen[0] + 2].tolist()
        value, before = (int(times[at]) / NS_PER_MS for at in (position, above))
        raise DatasetError(f"{rows.place(position)}: the row {falls(value, before, 'timestamp')}")


def _prompts(config: TraceConfig, measure: TokenMeasure) -> _Prompts:
    if config.text is None:
        return WordPrompts(config.made_by or 0, words_for(measure))
    try:
        return TextPrompts(config.made_by or 0, open_text(config.text, measure.tokenizer))
    except ConfigError as error:
        raise ConfigError(f"the data set {config.abbr}: {error}") from error


TRACE = DatasetFormat(TraceConfig, open_trace)
