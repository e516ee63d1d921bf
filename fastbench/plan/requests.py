"""The samples that a plan sends, by their places in it."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from fastbench.datasets import Dataset, Sample, open_dataset
from fastbench.plan.task_plan import TaskPlan


class Requests:
    """The data set of a plan, each sample as often as the service is to answer it, again and again without end."""

    def __init__(self, plan: TaskPlan, dataset: Dataset | None = None) -> None:
        """dataset: where it was opened before, for words of the same length; None = it is opened.

        Raises DatasetError for a data set that cannot be used any more.
        """
        task = plan.task
        if dataset is None or plan.tokens_per_word != 1:
            dataset = open_dataset(task.dataset, task.service.path, plan.tokens_per_word)
        self._dataset = dataset
        self._repeats = task.service.repeats
        self._rows = plan.survey.samples
        self._samples, self._requests = plan.samples, plan.requests
        self._turns: NDArray[np.int64] | None = None
        if plan.has_turns:
            samples = itertools.islice(dataset.samples(), self._rows)
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
        rounds, rest = divmod(place, self._samples)
        index, repeat = divmod(rest, self._repeats)
        before, own = int(self._before[index]), int(self._turns[index])
        return rounds * self._requests + before * self._repeats + repeat * own
