"""One item of `datasets` → the settings of its format, which the registry knows by the item's `type`."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from msgspec.structs import replace

from fastbench.config.fields.check import DirName, Frozen, check_fields
from fastbench.config.fields.issues import Issues, nearest, show
from fastbench.errors import ConfigError
from fastbench.registry import DATASETS

_CLOSE = 0.85


class DatasetConfig(Frozen, frozen=True, kw_only=True):
    """The settings of one data set, and what other rooms need of it, whatever its format.

    Each format has a subclass, `class …(DatasetConfig, frozen=True, kw_only=True, tag_field="type", tag=NAME)`.
    """

    abbr: DirName
    """Name of its results; unique among the data sets of a run."""

    multi_turn: ClassVar[bool] = False
    """Whether its samples are conversations."""
    words_field: ClassVar[str] = ""
    """The field that has the seed of made words alone, over `seed` where there is that; "" = no words are made."""

    @property
    def makes_token_ids(self) -> bool:
        """Whether prompts are made as token ids. (For files only the rows show it.)"""
        return False

    @property
    def makes_words(self) -> bool:
        """Whether prompts are made of words, so that a tokenizer or the service must count their tokens."""
        return False

    @property
    def makes_prompts(self) -> bool:
        """Whether prompts are made, of whatever kind, rather than read from a file."""
        return self.makes_words or self.makes_token_ids

    @property
    def made_by(self) -> int | None:
        """The seed of made words; None = the run has one, or none are made."""
        own: int | None = getattr(self, self.words_field) if self.words_field else None
        usual: int | None = getattr(self, "seed", None) if self.words_field else None
        return usual if own is None else own

    @classmethod
    def check(cls, settings: Mapping[str, Any], path: str, issues: Issues) -> dict[str, Any]:
        """The valid fields of `settings`, `abbr` by default the format's name; faults are added to `issues`."""
        return check_fields(cls, {"abbr": cls.__struct_config__.tag, **settings}, path, issues)

    def alike(self, count: int, input_len: int | None = None) -> Self | None:
        """Settings that make `count` other prompts of the same lengths, or of `input_len` tokens each.

        None = the format makes no prompts.
        """
        return None

    def with_words(self, seed: int, *, named: bool) -> Self:
        """Settings that make prompts of the same lengths of other words. named: the user names this seed, so that it
        goes over those that the settings have; otherwise they stay as they are where they have one."""
        if not self.words_field or not (named or self.made_by is None):
            return self
        return replace(self, **{self.words_field: seed})

    def common_prefix(self, seed: int) -> int | None:
        """Where `seed` makes the prompts: the tokens at their start that two may have in common, as was asked for. None
        = they have more in common, or are made by another seed."""
        return None


def build_dataset(raw: object, path: str, issues: Issues) -> DatasetConfig | None:
    """The data set that `raw` describes, or None after its faults were added to `issues`."""
    if not isinstance(raw, Mapping):
        issues.wrong(path, raw, "a dict of settings")
        return None
    before = len(issues)
    own = _own_form(raw, path, issues)
    if own is None:
        return None
    kind, settings = own
    try:
        schema: type[DatasetConfig] = DATASETS.chosen(kind).schema
    except ConfigError as error:
        issues.add(f"{path}.type", f"is {show(kind)}, but {error}")
        return None
    with DATASETS.blaming(kind, "cannot check its settings"):
        values = schema.check(settings, path, issues)
        config = schema(**values) if len(issues) == before else None
        if config is not None:
            # What other rooms ask of it later must not fail there.
            for told in (config.multi_turn, config.makes_token_ids, config.makes_words):
                bool(told)
        return config


def _own_form(raw: Mapping[str, Any], path: str, issues: Issues) -> tuple[str, dict[str, Any]] | None:
    """(name of the type, its settings), or None after the fault was added to `issues`."""
    name = raw.get("type")
    if isinstance(name, str) and name in DATASETS:
        return name, {field: value for field, value in raw.items() if field != "type"}
    known = ", ".join(f'"{kind}"' for kind in DATASETS.names())
    if "type" not in raw:
        issues.missing(f"{path}.type", f"one of {known}")
    else:
        close = nearest(name, DATASETS.names(), _CLOSE) if isinstance(name, str) else None
        hint = f"did you mean {close}?" if close else f"it must be one of {known}"
        issues.add(f"{path}.type", f"is {show(name)}; {hint}")
    return None
