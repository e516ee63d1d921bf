"""Seeds that are made of others."""

import os
from hashlib import blake2b

_BITS = 62
_SHORT = 31


def seed_of(*parts: object) -> int:
    """A seed that depends on all parts, the same in each process; 0 … 2**62 - 1."""
    digest = blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> (64 - _BITS)


def seed_of_task(seed: int, number: int) -> int:
    """That of the task `number`, from 0, of a run with this seed: its own for each, the run's for the first."""
    return short(seed_of(seed, number)) if number else seed


def short(seed: int) -> int:
    """One of at most ten digits, to be shown and typed."""
    return seed % (1 << _SHORT)


def by_chance() -> int:
    """A seed that no run had before, as far as chance goes; as short as `short` makes it."""
    return short(int.from_bytes(os.urandom(8), "little"))
