"""Sampling parameters with a meaning of their own: the output length, and adapters by row."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fastbench.config import show
from fastbench.config.fields import MAX_LENGTH
from fastbench.config.services import ADAPTERS, ServiceConfig
from fastbench.errors import ConfigError

NEWER = "max_completion_tokens"
"""The chat protocol's newer name of the length, which some models take alone."""

Fault = tuple[str, str]
"""(field of a service's settings, sentence about it)."""


class OutputLength(NamedTuple):
    """The field that holds the length, and which one it is."""

    field: str | None
    """None = no length is asked for."""
    usual: int
    """Where the sample does not say, tokens."""
    fixed: int | None
    """Of every request, whatever its sample says, tokens; None = the sample's."""
    names: frozenset[str]
    """Sampling parameters that are lengths, so that they are not sent as such."""

    def of(self, asked: int | None) -> int | None:
        """The length of a request whose sample asks for `asked` tokens; None = none goes out."""
        if self.field is None:
            return None
        return self.fixed or asked or self.usual

    def faults(self) -> Iterator[Fault]:
        """The faults of a length among the parameters."""
        if self.fixed is not None and (type(self.fixed) is not int or not 1 <= self.fixed <= MAX_LENGTH):
            found = f"is {show(self.fixed)}; it must be a whole number from 1 to {MAX_LENGTH}"
            yield f"generation_kwargs[{self.field!r}]", found


class LengthField(NamedTuple):
    """The names by which a dialect asks for the output length."""

    usual: str = "max_tokens"
    newer: str | None = None
    """Another name, which decides where the parameters give it; None = there is none."""

    def of(self, service: ServiceConfig) -> OutputLength:
        """From `length_field`, else from the parameters: the newer name decides, and a length that is None leaves it
        out."""
        parameters = service.parameters
        field = service.length_field or self.usual
        newer = self.newer if service.length_field in ("", self.newer) else None
        given = None if newer is None else parameters.get(newer)
        if newer is not None and given is not None:
            field = newer
        asks = field in (self.newer, NEWER) or parameters.get(field, 0) is not None
        names = frozenset(filter(None, (self.usual, field, newer)))
        return OutputLength(field if asks else None, service.max_out_len, given, names)


_FORM = 'it must be a JSON file such as {"0": "adapter-a", "1": "adapter-b"}: row of the data set to adapter'


def adapters_of(service: ServiceConfig) -> dict[int, str]:
    """Row of the data set, from 0 → adapter, by the file that the parameters name; a row that is not in it goes to the
    base model. Raises ConfigError with all but the name of the field."""
    if ADAPTERS not in service.generation_kwargs:
        return {}
    path = service.generation_kwargs[ADAPTERS]
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
