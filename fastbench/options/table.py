"""All options of `fastbench perf`, in the sections of its help. Their order is that in which they are applied."""

from collections.abc import Mapping, Sequence

from fastbench.options.load import LOAD
from fastbench.options.option import Option
from fastbench.options.results import RESULTS
from fastbench.options.service import SERVICE
from fastbench.options.tasks import PROMPTS, TASKS

SECTIONS: Mapping[str, Sequence[Option]] = {
    "What to run": TASKS,
    "Service": SERVICE,
    "Prompts": PROMPTS,
    "Load": LOAD,
    "Results": RESULTS,
}
OPTIONS: Mapping[str, Option] = {option.name: option for section in SECTIONS.values() for option in section}
"""All of them by name."""
SYNONYMS: Mapping[str, str] = {
    name: written for option in OPTIONS.values() for written, names in option.also.items() for name in names.split()
}
"""What other tools, and configs, call an option: how it is written here."""


def meant_by(written: str) -> str | None:
    """The option of ours that does what `written` does in another tool or in a config, as it is written; None = none
    is known."""
    if written in SYNONYMS:
        return SYNONYMS[written]
    name = written.lstrip("-").replace("_", "-").lower()
    return f"--{name}" if name.replace("-", "_") in OPTIONS else SYNONYMS.get(name)
