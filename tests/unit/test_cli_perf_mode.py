"""What the command is to do, by its mode."""

import pytest

from fastbench.cli.perf_mode import Action, action_of
from fastbench.errors import UsageError


@pytest.mark.parametrize(
    ("options", "action"),
    [
        ({}, Action.MEASURE),
        ({"mode": "perf"}, Action.MEASURE),
        ({"dry_run": True}, Action.DRY_RUN),
        ({"mode": "perf", "search": True, "reuse": "x"}, Action.SEARCH),
        ({"mode": "perf_viz", "search": True}, Action.SEARCH),
        ({"reuse": "x"}, Action.CONTINUE),
        ({"mode": "perf_viz", "reuse": "latest"}, Action.REPORT_AGAIN),
    ],
)
def test_ways_to_go(options: dict[str, object], action: Action) -> None:
    """The mode and the flags lead to one action; searching goes before all else."""
    assert action_of(options) is action


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mode": "all"}, "--mode all is about accuracy, which fastbench does not measure; use perf to measure, or"),
        ({"mode": "infer_judge"}, "--mode infer_judge is about accuracy"),
        ({"mode": "perv"}, "--mode perv is no mode; use perf to measure, or perf_viz to report a finished run again"),
        ({"mode": "perf_viz"}, "--mode perf_viz reports a finished run again; name it with --reuse RUN"),
        (
            {"mode": "perf_viz", "reuse": "x", "dry_run": True},
            "--dry-run shows what would be sent, and --mode perf_viz",
        ),
        ({"reuse": "x", "shard": (0, 2)}, "--reuse continues a whole run, and --shard is a part of one"),
        ({"reuse": "x", "ray": "auto", "nodes": 2}, "--reuse sends what is left from this host; leave --ray"),
        ({"reuse": "x", "dry_run": True}, "--dry-run shows a whole plan, and --reuse sends what is left of one"),
    ],
)
def test_what_cannot_be_done_is_told(options: dict[str, object], told: str) -> None:
    """A mode that there is not, and flags that do not go together, are one sentence with the way out."""
    with pytest.raises(UsageError) as caught:
        action_of(options)
    assert str(caught.value).startswith(told)
