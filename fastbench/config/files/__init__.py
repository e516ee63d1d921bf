"""Config files: Python, YAML or JSON, by their suffix → settings, not yet checked; and runs → config files.

settings = read_settings(path)                # names → values; ConfigError names the file and the line
json_schema()                                 # what such a file may say, for editors
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.config.files.dump import dump_config, dump_json, dump_yaml, public_run, public_settings
    from fastbench.config.files.python import Foreign, NoForeign
    from fastbench.config.files.reading import FORMS, SUFFIXES, Settings, is_json_config, names_of, read_settings
    from fastbench.config.files.schema import json_schema
else:
    __getattr__ = lazy(
        __name__,
        {
            "dump": ("dump_config", "dump_json", "dump_yaml", "public_run", "public_settings"),
            "python": ("Foreign", "NoForeign"),
            "reading": ("FORMS", "SUFFIXES", "Settings", "is_json_config", "names_of", "read_settings"),
            "schema": ("json_schema",),
        },
    )

__all__ = [
    "FORMS",
    "SUFFIXES",
    "Foreign",
    "NoForeign",
    "Settings",
    "dump_config",
    "dump_json",
    "dump_yaml",
    "is_json_config",
    "json_schema",
    "names_of",
    "public_run",
    "public_settings",
    "read_settings",
]
