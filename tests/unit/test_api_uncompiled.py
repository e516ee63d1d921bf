"""The face of fastbench where its core is not compiled."""

import shutil
import subprocess
import sys
from pathlib import Path

import fastbench


def test_a_source_tree_that_is_not_compiled(tmp_path: Path) -> None:
    """Python that is started in a source tree finds it before the installed package; one sentence tells the way out."""
    package = Path(fastbench.__file__).parent
    shutil.copytree(package, tmp_path / "fastbench", ignore=shutil.ignore_patterns("*.so", "__pycache__", "presets"))
    ended = subprocess.run(
        [sys.executable, "-c", "import fastbench; fastbench.run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        f"ImportError: {tmp_path / 'fastbench'} is a source tree in which nothing is compiled: start Python in another "
        "directory to use the fastbench that is installed, or install this one in place with `pip install -e .`"
    )
