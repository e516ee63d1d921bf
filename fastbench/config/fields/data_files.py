"""The file of a data set: the places that a relative path is looked for in, and which of its rows are used."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

CACHE_VARIABLE = "AIS_BENCH_DATASETS_CACHE"
DEFAULT_ROOT = Path("ais_bench") / "datasets"
_SLICE = re.compile(r"\s*\[\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?\]\s*")


def places(path: str) -> list[Path]:
    """Where `path` may stand for: the working directory, the cache's directory, the usual directory of data sets."""
    if os.path.isabs(path):
        return [Path(path)]
    return list(dict.fromkeys(_candidates(Path(os.path.expanduser(path)))))


def find_data(path: str) -> str:
    """The first of `places(path)` that exists, or `path` itself."""
    return next((str(place) for place in places(path) if place.exists()), path)


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    below = path.relative_to(DEFAULT_ROOT) if path.is_relative_to(DEFAULT_ROOT) else path
    if cache := os.environ.get(CACHE_VARIABLE):
        yield Path(cache) / path
        yield Path(cache) / below
    yield DEFAULT_ROOT / below


def missing_sentence(path: str) -> str:
    """What to tell where none of the places has the file."""
    looked = ", ".join(str(place) for place in places(path))
    return f"{path}: there is no such data set; looked at {looked}; set path, or {CACHE_VARIABLE} to its directory"


def parse_slice(text: str) -> slice | None:
    """The slice that a `test_range` such as "[10:20]" stands for; None for other text."""
    match = _SLICE.fullmatch(text)
    if match is None:
        return None
    start, stop, step = (None if part is None else int(part) for part in match.groups())
    return None if step == 0 else slice(start, stop, step)


def range_fault(value: str | int | float | None) -> str | None:
    """What a `test_range` must be, where `value` is not it."""
    if isinstance(value, str):
        return None if parse_slice(value) else 'a slice such as "[:8]" or "[10:20]"'
    if value is None or (value > 0 and (value < 1 or isinstance(value, int) or value.is_integer())):
        return None
    return "a whole number of rows above 0, or a share of them between 0 and 1"
