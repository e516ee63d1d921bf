"""Tests over tables of members that nobody would run alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any


def every(names: str | tuple[str, ...], members: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `pytest.mark.parametrize`, but one item of pytest, which tells all the members that fail, each with its error.

    What an item costs is a multiple of what such a member does. A fixture is the same for all members.
    """
    split = names.replace(",", " ").split() if isinstance(names, str) else [*names]
    table = [dict(zip(split, member if len(split) > 1 else (member,), strict=True)) for member in members]

    def decorated(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def whole(**fixtures: Any) -> None:
            assert table
            errors = []
            for values in table:
                try:
                    test(**values, **fixtures)
                except Exception as error:  # noqa: BLE001 - all are told below
                    error.add_note(f"with {_told(values)}")
                    errors.append(error)
            if errors:
                which = "; ".join(error.__notes__[-1] for error in errors)
                raise ExceptionGroup(f"{len(errors)} of {len(table)} fail: {which}", errors)

        signature = inspect.signature(test)
        left = [one for name, one in signature.parameters.items() if name not in split]
        whole.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return whole

    return decorated


def _told(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r:.200}" for name, value in values.items())
