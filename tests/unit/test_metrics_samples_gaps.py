"""Gaps counted group by group."""

from pathlib import Path

import numpy as np
from recordings import MS, Request, record

from fastbench.metrics import Selection
from fastbench.metrics.samples import count_groups
from fastbench.recording import Recording

GAPS_MS = ((20, 20), (30,), (20, 70_000), (), (10, 20, 30), (500,))
GROUP = (0, 1, 1, 0, -1, 2)


def test_gaps_by_group(tmp_path: Path) -> None:
    """Each group has the gaps of its own rows, in whatever order they finished, with those that are too long for two
    bytes; rows of no group are left out."""
    requests = []
    for number, gaps in enumerate(GAPS_MS):
        stamps = tuple((1_100 * MS + np.cumsum((0, *gaps)) * MS).tolist())
        requests.append(Request(number, token_ns=stamps, end_ns=stamps[-1]))
    selection = Selection(Recording.open(record(tmp_path / "run", requests)))
    group = np.array(GROUP)[selection.rows["request"]]
    found = count_groups(selection.runs, selection.rows, group)
    wanted = [sorted(gap * 1_000 for number, gap in _all() if GROUP[number] == one) for one in range(3)]
    assert [[one.at(rank) for rank in range(one.size)] for one in found] == wanted
    assert [one.total for one in found] == [sum(gaps) for gaps in wanted]


def _all() -> list[tuple[int, int]]:
    return [(number, gap) for number, gaps in enumerate(GAPS_MS) for gap in gaps]


def test_how_many_are_at_most_so_long(tmp_path: Path) -> None:
    """A value itself counts, also among those that are sorted."""
    stamps = tuple((1_100 * MS + np.cumsum((0, 20, 30, 70_000, 80_000)) * MS).tolist())
    selection = Selection(Recording.open(record(tmp_path / "run", [Request(0, token_ns=stamps, end_ns=stamps[-1])])))
    found = {us: selection.gaps.up_to(us) for us in (0, 19_999, 20_000.0, 30_000, 69_999_999, 70_000_000, 1e9)}
    assert list(found.values()) == [0, 0, 1, 2, 2, 3, 4]
