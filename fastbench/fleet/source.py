"""The samples that a task sends, in the order of its plan."""

import itertools
from collections.abc import Iterator

from fastbench.backends.backend import check_conversations, repeated
from fastbench.config.dataset_schema import ConversationConfig
from fastbench.config.plan import Task
from fastbench.datasets.dataset import open_dataset
from fastbench.datasets.sample import Sample


class Source:
    """The data set of a task, each sample as often as the service is to answer it."""

    def __init__(self, task: Task) -> None:
        """Raises DatasetError for a data set that cannot be used."""
        self._dataset = open_dataset(task.dataset, task.service.path)
        self._rows = self._dataset.check(task.num_prompts)
        self._service = task.service
        self.samples_count = self._rows * task.service.repeats
        """Samples, or conversations."""
        turns = isinstance(task.dataset, ConversationConfig)
        if turns:
            check_conversations(task.service, task.dataset.abbr)
        self.requests_count = sum(max(1, len(s.turns)) for s in self.samples()) if turns else self.samples_count
        """Requests: a conversation has one for each of its turns."""

    def samples(self, *, again: bool = False) -> Iterator[Sample]:
        """The samples one after the other, made as they are taken. again: from the first one anew, without end."""
        rounds = itertools.count() if again and self._rows else range(1)
        for _ in rounds:
            yield from repeated(itertools.islice(self._dataset.samples(), self._rows), self._service)
