"""The name under which fastbench is published, and what to type where an optional package is missing.

The name `fastbench` on the Python package index belongs to another project: here only the import and the command have
it.
"""

from typing import Final

DISTRIBUTION: Final = "fastbench-llm"
"""As in pyproject.toml."""


def install(extra: str) -> str:
    """The command that installs what an extra of pyproject.toml brings."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
