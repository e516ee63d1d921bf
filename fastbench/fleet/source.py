"""The samples that a task sends, by their places in its plan."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from fastbench.config.dataset_schema import ConversationConfig
from fastbench.config.plan import Task
from fastbench.datasets.sample import Sample
from fastbench.fleet.check import Surveyed, survey_task
from fastbench.fleet.data_notes import data_notes, row_fields


class Source:
    """The data set of a task, each sample as often as the service is to answer it, again and again without end."""

    def __init__(self, task: Task, surveyed: Surveyed | None = None, tokens_per_word: float = 1.0) -> None:
        """surveyed: the data set where it was opened before, else it is opened, with `tokens_per_word`.

        Raises DatasetError for a data set that cannot be used, ConfigError for one that the service cannot have.
        """
        self._dataset, survey = surveyed or survey_task(task, tokens_per_word)
        self.notes = tuple(data_notes(task, survey))
        """What a reader of the numbers has to know of the data set."""
        self.row_fields = row_fields(task, survey)
        """Which fields of rows beside prompts and lengths are sent."""
        self._repeats = task.service.repeats
        self._rows = survey.samples
        self.longest_output = survey.longest_output
        """The most output tokens that a sample asks for; None = no sample says."""
        self.samples_count = survey.samples * self._repeats
        """Samples, or conversations, of one round."""
        self.requests_count = survey.requests * self._repeats
        """Requests of one round: a conversation has one for each of its turns."""
        self.has_turns = self.requests_count != self.samples_count
        """Whether a sample may be several requests, one after the other's reply."""
        self._turns: NDArray[np.int64] | None = None
        if isinstance(task.dataset, ConversationConfig):
            samples = itertools.islice(self._dataset.samples(), self._rows)
            self._turns = np.array([len(sample.turns) or 1 for sample in samples], np.int64)
            self._before = np.cumsum(self._turns) - self._turns

    def numbered(self, places: Iterable[int], step: int = 1) -> Iterator[tuple[int, Sample]]:
        """The samples at these rising places in the plan, each with the number of its (first) request.

        step: how far the places mostly are apart.
        """
        stride = max(1, step // self._repeats)
        reader: Iterator[Sample] = iter(())
        last, following = -1, -1
        for place in places:
            index = place // self._repeats % self._rows
            if index != last:
                if index != following:
                    reader = self._dataset.samples(index, stride)
                sample = next(reader)
                last, following = index, index + stride
            yield self._number(place), sample

    def _number(self, place: int) -> int:
        """The number of the request at a place: those before it have one for each turn."""
        if self._turns is None:
            return place
        rounds, rest = divmod(place, self.samples_count)
        index, repeat = divmod(rest, self._repeats)
        before, own = int(self._before[index]), int(self._turns[index])
        return rounds * self.requests_count + before * self._repeats + repeat * own
