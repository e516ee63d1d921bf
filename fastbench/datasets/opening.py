"""Which code opens which kind of data set."""

from fastbench.config.dataset_schema import (
    CustomConfig,
    DatasetConfig,
    JsonlConfig,
    MooncakeConfig,
    MtBenchConfig,
    ShareGptConfig,
    SyntheticConfig,
    TemplateConfig,
)
from fastbench.datasets.conversations import open_mtbench, open_sharegpt
from fastbench.datasets.custom import open_custom
from fastbench.datasets.dataset import Dataset
from fastbench.datasets.jsonl import open_jsonl
from fastbench.datasets.mooncake import open_mooncake
from fastbench.datasets.synthetic import open_synthetic
from fastbench.datasets.template import open_template


def open_kind(config: DatasetConfig, tokenizer_path: str, tokens_per_word: float) -> Dataset:
    """See `dataset.open_dataset`."""
    match config:
        case SyntheticConfig():
            return open_synthetic(config, tokenizer_path, tokens_per_word)
        case JsonlConfig():
            return open_jsonl(config)
        case TemplateConfig():
            return open_template(config)
        case CustomConfig():
            return open_custom(config)
        case ShareGptConfig():
            return open_sharegpt(config, tokenizer_path)
        case MtBenchConfig():
            return open_mtbench(config)
        case MooncakeConfig():
            return open_mooncake(config, tokenizer_path, tokens_per_word)
