"""Settings as a config file has them, not yet checked, which options go over.

What it needs of `config` is imported late: help must not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Fields = dict[str, Any]


@dataclass
class Settings:
    """Settings as a config file has them, not yet checked, and where they came from."""

    raw: Fields
    source: str = "options"
    """How messages name what is in no label."""
    file: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    """Path of a field: what set it, an option or the place in a file."""
    remarks: tuple[str, ...] = ()
    bare_service: bool = False
    """No config says anything of the service."""
    bare_prompts: bool = False
    """No config and no file says anything of the prompts."""
    continues: bool = False
    """They are those of a run that is continued."""
    prompts_named_by: str | None = None
    """What names other prompts than synthetic ones."""

    def items(self, name: str) -> list[tuple[str, Fields]]:
        """Path and fields of each item of `models` or `datasets`; what is no dict is left to the check."""
        if not isinstance(self.raw.get(name), list | tuple):
            return []
        self.raw[name] = [dict(item) if isinstance(item, Mapping) else item for item in self.raw[name]]
        return [(f"{name}[{i}]", item) for i, item in enumerate(self.raw[name]) if isinstance(item, dict)]

    def set(self, path: str, fields: Fields, name: str, value: Any, given: str) -> None:
        """Sets a field of `fields`, which `path` leads to, because `given` says so."""
        fields[name] = value
        self.labels[f"{path}.{name}" if path else name] = given

    def replace(self, name: str, value: Any) -> None:
        """Sets what the config says of `name` anew; where that stood is of no interest any more."""
        self.raw[name] = value
        self.labels = {path: at for path, at in self.labels.items() if path.partition(".")[0].partition("[")[0] != name}

    def synthetic(self) -> list[tuple[str, Fields]]:
        """Path and fields of each synthetic data set."""
        return [(path, fields) for path, fields in self.items("datasets") if _is_synthetic(fields)]

    def only_data_set(self, kind: str) -> Fields:
        """The fields of a new data set, which takes the place of all others."""
        from fastbench.config import COMBINATIONS

        fields: Fields = {"type": kind}
        self.replace("datasets", [fields])
        self.raw.pop(COMBINATIONS, None)
        return fields

    def makes_its_prompts(self) -> bool:
        """Whether the prompts are those that the options make, also in the run that is continued."""
        if not self.continues or self.raw.get("num_prompts") is not None:
            return self.bare_prompts
        data_sets = [fields for _, fields in self.items("datasets")]
        return self.bare_prompts or (len(data_sets) == 1 and data_sets[0].get("type") == "synthetic")

    def name_types_plainly(self) -> None:
        """Replaces names of types that stand for streaming too: what an option says must win over them."""
        from fastbench.aisbench import MODEL_CLASSES, type_name

        for _, model in self.items("models"):
            name = type_name(model.get("type"))
            if name in MODEL_CLASSES:
                model["type"] = MODEL_CLASSES[name][0]


def _is_synthetic(fields: Fields) -> bool:
    from fastbench.aisbench import DATASET_CLASSES, type_name

    name = type_name(fields.get("type"))
    known = DATASET_CLASSES.get(name or "")
    return name == "synthetic" or (known is not None and known.kind == "synthetic") or "synthetic_config" in fields
