"""The simulated service that a config may ask to be started for its run."""

import contextlib
from collections.abc import Iterator

from msgspec.structs import replace

from fastbench.config.plan import Task


@contextlib.contextmanager
def with_service(task: Task) -> Iterator[Task]:
    """The task as it is, or with the URL of a simulated service that lives as long as the context."""
    if task.service.mock is None:
        yield task
        return
    # Imported late: most runs need no simulated service.
    from fastbench.mock import Mock

    with Mock(**task.service.mock) as mock:
        yield replace(task, service=replace(task.service, url=mock.url))
