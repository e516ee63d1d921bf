"""AISBench's configs, task names and presets, translated into fastbench's own settings.

Whatever is native already passes unchanged, so that commands take configs of either form by these functions.
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.aisbench.catalog import FOLDERS, Found, Named, find, read_named
    from fastbench.aisbench.datasets import DATASET_CLASSES, translate_dataset
    from fastbench.aisbench.models import MODEL_CLASSES, translate_model, type_name
    from fastbench.aisbench.standin import PRESETS
    from fastbench.aisbench.translate import (
        build_run,
        build_summarizer,
        is_aisbench,
        load_config,
        read_config,
        read_labelled,
    )
else:
    __getattr__ = lazy(
        __name__,
        {
            "catalog": (
                "FOLDERS",
                "Found",
                "Named",
                "find",
                "read_named",
            ),
            "datasets": (
                "DATASET_CLASSES",
                "translate_dataset",
            ),
            "models": (
                "MODEL_CLASSES",
                "translate_model",
                "type_name",
            ),
            "standin": ("PRESETS",),
            "translate": (
                "build_run",
                "build_summarizer",
                "is_aisbench",
                "load_config",
                "read_config",
                "read_labelled",
            ),
        },
    )

__all__ = [
    "DATASET_CLASSES",
    "FOLDERS",
    "MODEL_CLASSES",
    "PRESETS",
    "Found",
    "Named",
    "build_run",
    "build_summarizer",
    "find",
    "is_aisbench",
    "load_config",
    "read_config",
    "read_labelled",
    "read_named",
    "translate_dataset",
    "translate_model",
    "type_name",
]
