"""Runs a script in a process whose C library has some functions replaced."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def run_preloaded(source: str, script: str, directory: Path) -> str:
    """What `script` prints where `source`, in C, comes before the C library; the modules beside this one are found."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    code, library = directory / "first.c", directory / "first.so"
    code.write_text(source)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, code, "-ldl"], check=True)
    # A sanitizer's library has to come first.
    preloaded = " ".join(filter(None, (os.environ.get("LD_PRELOAD"), str(library))))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "LD_PRELOAD": preloaded, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
