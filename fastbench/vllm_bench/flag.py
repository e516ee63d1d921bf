"""What a flag of `vllm bench serve` is, and what becomes of it here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Form(Enum):
    """What follows a flag."""

    VALUE = auto()
    FLAG = auto()
    """Nothing."""
    EITHER = auto()
    """Nothing; the flag has an opposite, `--no-…`."""
    SEVERAL = auto()
    """Any number of values, up to the next flag."""


@dataclass(frozen=True)
class Flag:
    """One flag. name: without its dashes, with `-`. help: what it says to vLLM. becomes: what it is here, in words for
    help and docs; "" = it is of a data set, an API or an action that is refused.

    default: vLLM's. parse: of its text; raises ValueError. choices: its values. ignored: the sentence that tells a user
    who gives it that it has no effect; refused: the sentence that ends the command where it is given another value than
    the default, after the flag's name.
    """

    name: str
    help: str
    becomes: str = ""
    form: Form = Form.VALUE
    default: Any = None
    parse: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()
    ignored: str = ""
    refused: str = ""

    @property
    def key(self) -> str:
        """The name under which its value is found."""
        return self.name.replace("-", "_")
