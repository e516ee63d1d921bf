"""What a backend needs of a sample, whichever room makes it."""

from typing import Any, Protocol


class SampleLike(Protocol):
    """`fastbench.datasets.sample.Sample`, seen from here."""

    @property
    def index(self) -> int: ...
    @property
    def prompt(self) -> str | list[dict[str, Any]] | list[int]: ...
    @property
    def output_len(self) -> int | None: ...
    @property
    def fields(self) -> dict[str, Any] | None: ...
