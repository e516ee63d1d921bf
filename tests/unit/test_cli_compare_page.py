"""`fastbench compare --page`: the page as a file."""

import stat
from pathlib import Path

from click.testing import CliRunner
from recordings import Request, record

from fastbench.cli.compare import compare_command


def test_the_page_is_written(tmp_path: Path) -> None:
    """The page has the sides by their labels, and only its owner may read it, since messages may repeat a prompt; the
    exit code stays that of the comparison."""
    for name in ("before", "after"):
        record(tmp_path / f"{name}_recording", [Request(0), Request(1)])
    sides = [str(tmp_path / f"{name}_recording") for name in ("before", "after")]
    target = tmp_path / "new" / "page.html"
    result = CliRunner().invoke(
        compare_command, [*sides, "--label", "B=mine", "--page", str(target)], standalone_mode=False
    )
    assert result.return_value == 4
    assert "<title>mine against A" in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
