"""docs/api.md against the functions that it shows."""

import inspect
import re

import pytest
from nursery import ROOT

import fastbench as fb

TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SHOWN = dict(re.findall(r"^\| `fb\.(\w+)\(([^`]*)\) ->", TEXT, re.MULTILINE))


@pytest.mark.parametrize("name", SHOWN)
def test_signatures_are_the_functions(name: str) -> None:
    """What is shown to be given by its place, and what by its name only, is so."""
    assert {"report", "export", "compute"} <= SHOWN.keys()
    shown = [part.partition("=")[0] for part in SHOWN[name].split(", ")]
    parameters = list(inspect.signature(getattr(fb, name)).parameters.values())
    wanted = [parameter.name for parameter in parameters]
    named = [at for at, parameter in enumerate(parameters) if parameter.kind is parameter.KEYWORD_ONLY]
    if named:
        wanted.insert(named[0], "*")
    assert shown == wanted
