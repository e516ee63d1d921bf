"""What compiled code and Python both describe: a difference is an ImportError that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastbench._core.layout import check_flags, check_layout, names_by_code
from fastbench._core.ring import FLAGS, MARK_DTYPE, ROW_DTYPE, compiled_mark, compiled_row

STRUCTS = [(ROW_DTYPE, compiled_row), (MARK_DTYPE, compiled_mark)]
Reader = Callable[[bytes], dict[str, Any]]


def fields(dtype: np.dtype[np.void]) -> list[tuple[str, Any]]:
    return [(name, dtype[name]) for name in dtype.names or ()]


@pytest.mark.parametrize(("dtype", "read"), STRUCTS, ids=["row", "mark"])
def test_each_pair_of_equal_fields_that_changed_places_is_found(dtype: np.dtype[np.void], read: Reader) -> None:
    """Two fields of one type in each other's place leave size and offsets as they were, and are named."""
    for (name, kind), (other, same) in zip(fields(dtype), fields(dtype)[1:], strict=False):
        if kind == same:
            names = {name: other, other: name}
            swapped = np.dtype([(names.get(field, field), of) for field, of in fields(dtype)])
            with pytest.raises(ImportError, match=rf"differ in ({name}, {other}|{other}, {name}):"):
                check_layout(swapped, dtype.itemsize, read)


@pytest.mark.parametrize(("dtype", "read"), STRUCTS, ids=["row", "mark"])
def test_each_field_of_the_other_sign_is_found(dtype: np.dtype[np.void], read: Reader) -> None:
    """A field that is signed on one side alone is named."""
    for name, kind in fields(dtype):
        if kind.kind in "iu":
            other = np.dtype(f"{'u' if kind.kind == 'i' else 'i'}{kind.itemsize}")
            changed = np.dtype([(field, other if field == name else of) for field, of in fields(dtype)])
            with pytest.raises(ImportError, match=rf"differ in {name}:"):
                check_layout(changed, dtype.itemsize, read)


def test_another_name_width_or_size_is_found() -> None:
    """A field under another name, two that share their bytes otherwise, and a struct of another length are refused."""
    renamed = np.dtype([("events" if name == "event" else name, kind) for name, kind in fields(MARK_DTYPE)])
    with pytest.raises(ImportError, match=r"differ in event, events:"):
        check_layout(renamed, MARK_DTYPE.itemsize, compiled_mark)
    shifted = np.dtype([("event", "<u2"), ("count", "<u4"), ("bound_us", "<u4"), ("rest", "<u2")])
    with pytest.raises(ImportError, match=r"differ in event, count, bound_us, rest:"):
        check_layout(shifted, MARK_DTYPE.itemsize, compiled_mark)
    with pytest.raises(ImportError, match=r"has 16 bytes, its numpy description 12"):
        check_layout(MARK_DTYPE, 16, compiled_mark)


@pytest.mark.parametrize("names", [{0: "a", 1: "b"}, {0: "a", 1: "b", 3: "c"}, {0: "a", 1: "b", 2: "c", 3: "d"}])
def test_each_code_has_a_name(names: dict[int, str]) -> None:
    """A code without a name and a name without a code are refused, at the end of the enum too."""
    with pytest.raises(ImportError, match=r"codes 0 to 2 have names for \["):
        names_by_code(names, 3)


@pytest.mark.parametrize("wrong", [{"extra": 3}, {"extra": 1}, {f"extra{at}": 1 << at for at in range(8, 20)}])
def test_each_flag_is_a_bit_of_its_own(wrong: dict[str, int]) -> None:
    """Flags that overlap, or that the row's field has no room for, are refused."""
    with pytest.raises(ImportError, match="are not distinct bits"):
        check_flags(FLAGS | wrong, ROW_DTYPE["flags"])
