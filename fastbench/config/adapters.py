"""Which LoRA adapter a row of the data set asks for: the file that `lora_data_map_file` names."""

import json
from pathlib import Path

from fastbench.config.issues import show
from fastbench.errors import ConfigError

_FORM = 'it must be a JSON file such as {"0": "adapter-a", "1": "adapter-b"}: row of the data set to adapter'


def read_adapters(path: object) -> dict[int, str]:
    """Row of the data set, from 0 → adapter; a row that is not named goes to the base model. Raises ConfigError."""
    if not isinstance(path, str) or not path:
        raise ConfigError(f"is {show(path)}; {_FORM}")
    try:
        rows = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(f"is {show(path)}, which cannot be read ({error.strerror}); {_FORM}") from error
    except ValueError as error:
        raise ConfigError(f"is {show(path)}, which is not JSON ({error}); {_FORM}") from error
    if not isinstance(rows, dict):
        raise ConfigError(f"is {show(path)}, which holds no JSON object; {_FORM}")
    for row, adapter in rows.items():
        if not (row.isascii() and row.isdigit()) or not isinstance(adapter, str) or not adapter:
            raise ConfigError(f"is {show(path)}, where {show(row)} is {show(adapter)}; {_FORM}")
    return {int(row): adapter for row, adapter in rows.items()}
