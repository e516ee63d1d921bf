"""Where the file of a data set is: the places that a relative path is looked for in, in their order."""

import os
from collections.abc import Iterator
from pathlib import Path

CACHE_VARIABLE = "AIS_BENCH_DATASETS_CACHE"
DEFAULT_ROOT = Path("ais_bench") / "datasets"


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
