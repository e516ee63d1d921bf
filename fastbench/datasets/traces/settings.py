"""The settings of a trace."""

from collections.abc import Mapping
from typing import Any

from fastbench.config import Issues
from fastbench.config.fields import Frozen, Lengths, Seed, Text, build_lengths, check_fields, find_data
from fastbench.datasets.files import FileConfig
from fastbench.datasets.text import find_text

_LENGTHS = ("input_len", "output_len")
_COLUMNS = ("columns", "lengths_columns")


class TraceColumns(Frozen, frozen=True, kw_only=True):
    """The columns of a trace that has none of the known layouts, by name; "" = it has none such."""

    timestamp: str | None = None
    """When a request came: a date with its time, or a number of seconds; of others with `NAME:ms`, `:us` or `:ns`."""
    input: str | None = None
    """Tokens of its prompt."""
    output: str | None = None
    """Tokens of its reply."""
    session: str | None = None
    """What requests of one conversation have in common."""


class TraceConfig(FileConfig, frozen=True, kw_only=True, tag_field="type", tag="trace"):
    """A trace of a real service: when requests came, and how long they were."""

    words_field = "words_seed"

    columns: TraceColumns | None = None
    """Which column is what; None = as the layout has it that the header shows."""
    lengths: Text | None = None
    """Another trace whose lengths are used, in its order; None = those of this one."""
    lengths_columns: TraceColumns | None = None
    """Which column of `lengths` is what."""
    input_len: Lengths | None = None
    """Prompt length in place of the trace's, tokens."""
    output_len: Lengths | None = None
    """Output tokens asked for in place of the trace's."""
    text: Text | None = None
    """What prompts are made of: "corpus", the text that ships with fastbench, or a file; None = random words."""
    sort: bool = False
    """Send the rows in the order of their times; False = times that fall are refused."""
    seed: Seed | None = None
    """Of lengths that follow a law, and of the words; None = lengths of the seed 0, and new words in each run."""
    words_seed: Seed | None = None
    """Of the words alone; None = `seed`."""

    @property
    def makes_words(self) -> bool:
        """As long as the trace says."""
        return True

    def common_prefix(self, seed: int) -> int | None:
        """None of requests that are of no session; of others `Survey.shares` tells."""
        return 0 if self.made_by == seed else None

    @classmethod
    def check(cls, settings: Mapping[str, Any], path: str, issues: Issues) -> dict[str, Any]:
        """Lengths become laws, columns a struct, and `lengths` the place where the file is found."""
        settings = dict(settings)
        for name in _LENGTHS:
            if settings.get(name) is not None:
                settings[name] = build_lengths(settings[name], f"{path}.{name}", issues)
        for name in _COLUMNS:
            if isinstance(given := settings.get(name), Mapping):
                # Checked by itself, so that its fields are named.
                settings[name] = TraceColumns(**check_fields(TraceColumns, given, f"{path}.{name}", issues))
        if "text" in settings:
            settings["text"] = find_text(settings["text"])
        if isinstance(file := settings.get("lengths"), str) and file:
            settings["lengths"] = find_data(file)
            if settings.get("input_len") is not None:
                issues.add(f"{path}.lengths", "is set, and so is input_len; set one of them")
        elif settings.get("lengths_columns") is not None:
            issues.add(f"{path}.lengths_columns", "is set, but lengths, the file that has them, is not")
        return super().check(settings, path, issues)
