"""The face of the live view's room."""

import subprocess
import sys

import pytest
from every import every

import fastbench.live

HEAVY = {"msgspec", "numpy", "tabulate"}


@every("name", fastbench.live.__all__)
def test_a_name_of_the_face_is_there(name: str) -> None:
    """Each name that the face promises is found in the module that the face says."""
    assert getattr(fastbench.live, name) is not None


def test_a_name_that_there_is_not() -> None:
    """A name that the face does not have is an AttributeError that names it."""
    with pytest.raises(AttributeError, match=r"fastbench\.live.*no attribute 'Dashboard'"):
        getattr(fastbench.live, "Dashboard")  # noqa: B009 - a checker would refuse the plain form


@pytest.mark.parametrize(
    ("name", "loaded"),
    [
        ("show_all", set()),
        ("usable", set()),
        ("Snapshot", {"msgspec"}),
        ("follow", {"msgspec"}),
        ("View", {"msgspec"}),
    ],
)
def test_a_name_of_the_face_loads_no_more_than_it_needs(name: str, loaded: set[str]) -> None:
    """Asking the face for one name imports no package that only others need."""
    code = f"import sys; from fastbench.live import {name}; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert HEAVY & set(found.split()) == loaded
