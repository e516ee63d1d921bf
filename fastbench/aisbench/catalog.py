"""Configs by name: those of the user's `--config-dir`, then fastbench's own presets."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from fastbench.aisbench.standin import PRESETS, AisbenchImports
from fastbench.config import show
from fastbench.config.fields import nearest
from fastbench.config.files import SUFFIXES, names_of
from fastbench.errors import ConfigError

# Option: the directories, below a root, in which its names are looked for.
FOLDERS = {
    "models": ("models",),
    "datasets": ("datasets", "dataset_collections"),
    "summarizer": ("summarizers",),
}
DEFAULT_DIR = "configs"
_SUFFIX = "_datasets"
_NO_TEXT = "its prompts hold pictures, video or sound, and fastbench sends text only"
_NO_PRESET = (
    'fastbench has no config for it; put its prompts into a JSONL file, a row {"prompt": …} each, for --dataset'
)
# Data sets of AISBench that are not here, and why.
_NOT_HERE = {
    **dict.fromkeys(("textvqa*", "docvqa*", "videobench*", "vocalsound*", "mmmu*", "mmstar*", "ocrbench*"), _NO_TEXT),
    **dict.fromkeys(("longbench*", "needlebench*", "mmlu*", "math*", "livecodebench*", "bbh*", "gpqa*"), _NO_PRESET),
    "bfcl*": "it calls tools, which fastbench does not measure",
}
_GUIDE = "synthetic_config"


class Found(NamedTuple):
    """A config found by its name."""

    option: str
    """A name of `FOLDERS`."""
    path: Path
    """Absolute."""
    part: str = ""
    """The part behind a slash: a variable of the file, or the end of its name."""

    @property
    def name(self) -> str:
        """The name of the task, which is that of its file."""
        return self.path.stem


class Named(NamedTuple):
    """The settings that named tasks select."""

    raw: dict[str, Any]
    """Settings as a config file has them."""
    labels: dict[str, str]
    """Path in `raw`: file and path in that file."""
    remarks: tuple[str, ...]
    """Remarks for the user about the choice."""


def find(wanted: Mapping[str, Sequence[str]], config_dir: str | None = None) -> list[list[Found]]:
    """For each name of `wanted` (names by option; * and ? match anything) the configs that it fits, the first of
    which counts. The user's own come first. Raises ConfigError with every name that fits none.

    config_dir: None = `DEFAULT_DIR`, which need not exist.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        raise ConfigError(f"--config-dir {config_dir} is not a directory; give one with models/, datasets/ and so on")
    roots = (_place(config_dir or DEFAULT_DIR), PRESETS)
    matches: list[list[Found]] = []
    faults: list[str] = []
    for option, names in wanted.items():
        every = list(_files(option, roots))
        for name in names:
            pattern, _, part = name.partition("/")
            fitting = [Found(option, file, part) for file in every if _fits(file, pattern)]
            matches.append(fitting)
            if not fitting:
                known = {file.stem for file in every}
                close = nearest(pattern.lower(), known)
                hint = _no_name(option, name) or (f"did you mean {close}?" if close else "list all with --search")
                faults.append(f"--{option} {name}: there is no such config in {roots[0]} or the presets; {hint}")
    if faults:
        raise ConfigError("\n".join(faults))
    return matches


def read_named(wanted: Mapping[str, Sequence[str]], config_dir: str | None = None) -> Named:
    """The settings of all configs that are named. Raises ConfigError."""
    raw: dict[str, Any] = {}
    labels: dict[str, str] = {}
    remarks: list[str] = []
    for fitting in find(wanted, config_dir):
        first = fitting[0]
        # A config of the user replaces the preset of the same name.
        others = {found.name for found in fitting} - {first.name}
        if others:
            remarks.append(f"several configs fit; {first.name} is used, not {', '.join(sorted(others))}")
        names, lines = names_of(str(first.path), AisbenchImports())
        if first.option == "summarizer":
            variable = first.part or "summarizer"
            raw["summarizer"] = _value(first, names, variable)
            labels |= _labels(first, variable, "summarizer", lines)
            continue
        items = raw.setdefault(first.option, [])
        for place, item in _MEMBERS[first.option](first, names):
            item_path = f"{first.option}[{len(items)}]"
            labels |= _labels(first, place, item_path, lines)
            if place == _GUIDE:
                labels[f"{item_path}.{_GUIDE}"] = labels[item_path]
            items.append(item)
    return Named(raw, labels, tuple(remarks))


def _place(directory: str) -> Path:
    try:
        return Path(directory).resolve()
    # The current directory was deleted: there is nothing in it.
    except FileNotFoundError:
        return Path(directory)


def _labels(found: Found, place: str, path: str, lines: Mapping[str, str]) -> dict[str, str]:
    """Labels of the setting at `place` and of what it contains, with lines where the file has them."""
    inside = {path + field[len(place) :]: label for field, label in lines.items() if field.startswith(place)}
    return {path: f"{found.path}: {place}", **inside}


def _files(option: str, roots: Sequence[Path]) -> Iterator[Path]:
    for root in roots:
        for folder in FOLDERS[option]:
            yield from sorted(
                file for file in (root / folder).rglob("*") if file.suffix in SUFFIXES and file.name != "__init__.py"
            )


def _no_name(option: str, name: str) -> str | None:
    """The hint for a name that cannot be a config, by its kind; None = it may be misspelt."""
    if option == "models" and "://" in name:
        return "give a URL as --url URL"
    if option != "datasets":
        return None
    if name.endswith((".jsonl", ".json", ".csv")):
        kind = "--dataset" if name.endswith(".jsonl") else "--custom-dataset-path"
        return f"give a file of prompts as {kind} FILE"
    return next((why for pattern, why in _NOT_HERE.items() if fnmatchcase(name.lower(), pattern)), None)


def _fits(file: Path, pattern: str) -> bool:
    return fnmatchcase(file.stem.lower(), pattern.lower().removesuffix(file.suffix))


def _value(found: Found, names: Mapping[str, Any], variable: str) -> Any:
    if variable in names:
        return names[variable]
    close = nearest(variable, names)
    hint = f"did you mean {variable} by {close}?" if close else "set it"
    raise ConfigError(f"{found.path}: {variable} is missing; {hint}")


def _listed(found: Found, names: Mapping[str, Any], variable: str) -> Iterator[tuple[str, Any]]:
    items = _value(found, names, variable)
    if not isinstance(items, list | tuple):
        raise ConfigError(f"{found.path}: {variable} is {show(items)}; it must be a list of dicts")
    return ((f"{variable}[{index}]", item) for index, item in enumerate(items))


def _models(found: Found, names: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return _listed(found, names, found.part or "models")


def _datasets(found: Found, names: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The items of each variable whose name ends in `_datasets`, or as the part behind the slash says."""
    variables = [name for name in names if name.endswith(_SUFFIX) and name.endswith(found.part)]
    if not variables and not found.part and _GUIDE in names and "datasets" not in names:
        yield _GUIDE, {_GUIDE: names[_GUIDE]}
        return
    for variable in variables or [found.part or "datasets"]:
        yield from _listed(found, names, variable)


_MEMBERS = {"models": _models, "datasets": _datasets}
