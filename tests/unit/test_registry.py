"""Registries of what fastbench can be extended by."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastbench.errors import ConfigError
from fastbench.registry import Registry

KIND = "pathlib:PurePosixPath"


def registry(group: str = "fastbench.test_things") -> Registry[object]:
    return Registry(group, "thing", KIND, {"here": "pathlib:PurePosixPath", "there": "os:sep"})


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package with four things, of which one is of the kind."""
    module = "import pathlib\ngood = pathlib.PurePosixPath('/x')\nwrong = 3\n"
    (tmp_path / "plugged_things.py").write_text(module)
    (tmp_path / "plugged_broken.py").write_text("raise RuntimeError('not today')\n")
    info = tmp_path / "plugged-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    points = ("good = plugged_things:good", "wrong = plugged_things:wrong", "broken = plugged_broken:x")
    lines = "\n".join(("[fastbench.test_things]", *points, "here = plugged_things:good"))
    (info / "entry_points.txt").write_text(lines)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield tmp_path
    for name in ("plugged_things", "plugged_broken"):
        sys.modules.pop(name, None)


def test_its_own_come_by_their_module() -> None:
    """A name leads to what the module has under the name that stands behind the colon."""
    import pathlib

    assert registry().get("here") is pathlib.PurePosixPath


def test_those_of_packages_come_by_their_entry_points(package: Path) -> None:
    """What a package's entry point leads to is found by its name, behind fastbench's own, which it cannot replace."""
    things = registry()
    assert things.names() == ("here", "there", "broken", "good", "wrong")
    assert str(things.get("good")) == "/x"
    assert things.get("here") is not things.get("good")
    assert "good" in things
    assert "better" not in things


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hear", "there is no thing hear; did you mean here?"),
        ("zzz", "there is no thing zzz; there are here, there, broken, good, wrong"),
        ("wrong", "the thing wrong of the package plugged is int, and must be pathlib.PurePosixPath; mend the package"),
        ("broken", r"the thing broken of the package plugged cannot be loaded \(RuntimeError: not today\); mend the"),
    ],
)
def test_what_cannot_be_had_is_told(package: Path, name: str, words: str) -> None:
    """A name that there is not, a thing of another kind and a package that raises are one sentence each."""
    with pytest.raises(ConfigError, match=words):
        registry().get(name)


def test_a_group_without_packages_has_its_own_alone() -> None:
    """Without a package that brings one there are fastbench's own."""
    assert registry("fastbench.no_such_group").names() == ("here", "there")
