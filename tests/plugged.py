"""The package of `examples/plugin`, installed or nearly so, and a service that speaks its dialect."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tiny_service import Answer, Asked

from fastbench.registry import look_again

PLUGIN = Path(__file__).parents[1] / "examples" / "plugin"
NAME = "fastbench_acme"
WORDS = ("Hel", "lo", " you")


def lay(folder: Path) -> None:
    """Puts the package's files and entry points into `folder` as an installer would."""
    shutil.copytree(PLUGIN / NAME, folder / NAME, ignore=shutil.ignore_patterns("__pycache__"))
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / f"{NAME}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = (f"[{group}]\n{name} = {place}\n" for group, points in groups for name, place in points.items())
    (info / "entry_points.txt").write_text("".join(lines))


@contextmanager
def lying_in(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package lies in `folder`, and this process finds it."""
    lay(folder)
    patch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    look_again()
    try:
        yield
    finally:
        look_again()
        for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
            del sys.modules[name]


def acme(asked: Asked) -> Answer:
    """Answers with at most three words, as a stream or whole; refuses a request that is not in its own form."""
    how = asked.body.get("how", {})
    if asked.path != "/acme/big/ask" or asked.headers.get("x-acme-version") != "2" or "at_most" not in how:
        return Answer(400, "application/json", b'{"error": "not in the form of this API"}')
    said = WORDS[: how["at_most"]]
    used = {"asked": len(asked.body["talk"]["turns"]), "said": len(said)}
    if not how["live"]:
        whole = {"says": "".join(said), "ends_for": "length", "used": used}
        return Answer(200, "application/json", json.dumps(whole).encode())
    words = [{"says": word, "kind": "word"} for word in said]
    events = [{"says": "hm", "kind": "thought"}, *words, {"ends_for": "length", "used": used}]
    return Answer(200, "text/event-stream", "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode())
