"""Requests before the measured ones: what they ask, and what their failure means."""

import itertools
from collections.abc import Iterator

from msgspec.structs import replace

from fastbench.client.seen import Seen
from fastbench.config.dataset_schema import SyntheticConfig
from fastbench.config.plan import Task
from fastbench.datasets.dataset import open_dataset
from fastbench.datasets.sample import Sample
from fastbench.errors import ServiceError

# Far from any seed that a user would choose for the prompts that are measured.
_SEED_DISTANCE = 2**62
_EXCERPT = 400
_HINTS = {
    "http_error": "check url and model",
    "malformed": "check that url names an OpenAI-compatible service",
    "truncated": "check that the service streams whole replies",
    "empty": "check the prompt and max_out_len",
    "timeout": "check request_timeout, or that the service is not overloaded",
}


def warmup_samples(task: Task, count: int) -> Iterator[Sample]:
    """`count` samples. Synthetic ones have a seed of their own, so that no measured prompt is cached by them."""
    dataset = task.dataset
    if isinstance(dataset, SyntheticConfig):
        dataset = replace(dataset, seed=dataset.seed ^ _SEED_DISTANCE, count=count)
    source = open_dataset(dataset, task.service.path)
    return itertools.islice(itertools.chain.from_iterable(source.samples() for _ in itertools.count()), count)


def check_warmup(seen: Seen, url: str) -> None:
    """Raises ServiceError, with the service's own words, when no warm-up request succeeded."""
    if seen.ok or not seen.requests:
        return
    what = f"HTTP status {seen.status}" if seen.outcome == "http_error" else seen.outcome
    words = " ".join(seen.message[:_EXCERPT].decode("utf-8", "replace").split())
    raise ServiceError(
        f"The warm-up request to {url} failed: {what}{f', {words}' if words else ''}; "
        f"{_HINTS.get(seen.outcome, 'check that the service runs')}, "
        "or set num_warmups (--num-warmups) to 0 to measure all the same."
    )
