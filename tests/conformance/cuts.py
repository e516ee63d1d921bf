"""Ways in which TCP may cut bytes into reads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def at_places(data: bytes, places: list[int]) -> list[bytes]:
    """The pieces between the given offsets; offsets outside and equal ones are harmless."""
    edges = [0, *sorted(min(max(place, 0), len(data)) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def two_ways(data: bytes, stride: int = 1) -> Iterator[list[bytes]]:
    """The whole, then each cut in two, or only each `stride`-th."""
    for place in range(0, len(data), stride):
        yield [data[:place], data[place:]]


def random_cuts(data: bytes, seed: int, count: int, most: int = 12) -> Iterator[list[bytes]]:
    """`count` seeded cuts into up to `most` + 1 pieces."""
    rng = random.Random(seed)
    for _ in range(count):
        yield at_places(data, [rng.randrange(len(data) + 1) for _ in range(rng.randint(1, most))])


def every_way(data: bytes, stride: int = 1, seed: int = 1, count: int = 30) -> Iterator[list[bytes]]:
    """Whole, each two-way cut, byte by byte, and random cuts."""
    yield from two_ways(data, stride)
    yield byte_by_byte(data)
    yield from random_cuts(data, seed, count)
