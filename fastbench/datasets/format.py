"""What a format of data sets is, and how a data set is opened by its format."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastbench.config import DatasetConfig
from fastbench.datasets.samples import Dataset
from fastbench.registry import DATASETS
from fastbench.tokenizer import TokenMeasure

ConfigT = TypeVar("ConfigT", bound=DatasetConfig)


@dataclass(frozen=True)
class DatasetFormat(Generic[ConfigT]):
    """One format, found by its name: fastbench's own, or of a package with an entry point in `fastbench.datasets`."""

    schema: type[ConfigT]
    """The struct of its settings, whose tag is the format's name."""
    open: Callable[[ConfigT, TokenMeasure], Dataset]
    """Settings → the data set. Raises DatasetError for a file that cannot be used, ConfigError for a tokenizer that
    cannot, or for none where the settings ask for one."""

    @property
    def name(self) -> str:
        """As `type` in a config."""
        return name_of(self.schema)


def name_of(schema: type[DatasetConfig]) -> str:
    """The name of the format that has these settings."""
    return str(schema.__struct_config__.tag)


def open_dataset(config: DatasetConfig, tokenizer_path: str = "", tokens_per_word: float = 1.0) -> Dataset:
    """The data set that `config` describes.

    tokenizer_path: makes the lengths of made prompts exact; "" = none, then a word counts as `tokens_per_word`
    tokens. Raises DatasetError where the file cannot be used, ConfigError where the tokenizer cannot, or where a
    setting asks for one and there is none.
    """
    found: DatasetFormat[Any] = DATASETS.get(name_of(type(config)))
    return found.open(config, TokenMeasure(tokenizer_path, tokens_per_word))
