"""What is printed on terminals that have not all characters."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tabulate import tabulate

from fastbench.live.charset import Charset, ShownStream

LACKING = [
    "koi8-r:strict",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("ascii", "latin-1", "cp1252", "big5", "euc-jp")),
]
ONE_AFTER_THE_OTHER = """
import os, sys
import fastbench.cli.main, fastbench.cli.perf.command, fastbench.api.running, fastbench.api.reporting
for place, words in enumerate(sys.argv[1:]):
    child = os.fork()
    if not child:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{place}.{name}", os.O_WRONLY | os.O_CREAT), number)
        sys.argv = ["fastbench", *words.split()]
        fastbench.cli.main.main()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open(f"{place}.code", "w") as file:
        file.write(str(code))
"""
"""A start of the interpreter in a locale, and in it each command in a process of its own."""
TABLE = tabulate([["né", "漢…"]], ["a", "b"], tablefmt="fancy_grid", disable_numparse=True)


def fastbench(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "fastbench", *arguments],
        capture_output=True,
        cwd=cwd,
        env=os.environ | environment,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "big5", "euc-jp", "euc-kr", "shift-jis", "ascii", "iso2022_jp"]
)
def test_a_stream_takes_every_text(encoding: str) -> None:
    """A table for an encoding without its lines is printed in plain ones of the same length, and nothing is raised."""
    raw = io.BytesIO()
    stream = ShownStream(io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    print(TABLE, file=stream, flush=True)
    printed = raw.getvalue().decode(encoding).splitlines()
    assert re.fullmatch(r"\+=+\+=+\+", printed[0])
    assert not set("".join(printed)) & set("╒═╤╕│╞╪╡╘╧╛")
    assert [len(line) for line in printed] == [len(line) for line in TABLE.splitlines()]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_a_stream_that_has_all_changes_nothing(encoding: str) -> None:
    """Where the encoding has the characters, they are printed as they are."""
    raw = io.BytesIO()
    stream = ShownStream(io.TextIOWrapper(raw, encoding=encoding))
    print(TABLE, file=stream, flush=True)
    assert raw.getvalue().decode(encoding) == f"{TABLE}\n"


def test_names_that_are_no_text_are_printed() -> None:
    """A file's name that is not UTF-8 is printed, with its own bytes where the stream can write them."""
    name = os.fsdecode(b"a\xff")
    for errors, printed in (("strict", b"a?"), ("surrogateescape", b"a\xff"), ("backslashreplace", rb"a\udcff")):
        raw = io.BytesIO()
        stream = ShownStream(io.TextIOWrapper(raw, encoding="utf-8", errors=errors))
        print(name, file=stream, end="", flush=True)
        assert raw.getvalue() == printed


def test_a_screen_in_latin_1() -> None:
    """What is drawn on a terminal has one byte for each character that such a terminal shows."""
    assert Charset("latin-1").encode("▁▇ é 漢…") == b"_* \xe9 ?."
    assert Charset(None).encode("▁…") == "▁…".encode()


@pytest.mark.parametrize("encoding", LACKING)
def test_named_tasks_are_found(tmp_path: Path, encoding: str) -> None:
    """`--search` prints its table and ends well on a terminal that lacks the table's lines."""
    done = fastbench("perf", "--search", "--models", "vllm_api_general", cwd=tmp_path, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"| vllm_api_general |" in done.stdout
    assert done.stdout.startswith(b"+=")


@pytest.mark.slow
def test_everything_is_printed_in_ascii(tmp_path: Path) -> None:
    """A run, its dry run, and all that reads a run print ASCII and end well in the C locale."""
    run = "--mock --mock-option itl_ms=1 --input-len 5 --output-len 3 --num-prompts 2 --num-warmups 0 -w out"
    readings = ("recalc out", "watch out", "report out", "export out --format csv")
    commands = [f"perf {run} --dry-run", f"perf {run}", *readings]
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER, *commands], cwd=tmp_path, env=plain, timeout=300, check=True
    )
    assert done.returncode == 0
    for place, command in enumerate(commands):
        code, out, err = ((tmp_path / f"{place}.{name}").read_bytes() for name in ("code", "out", "err"))
        assert (code, b"Traceback" in err) == (b"0", False), (command, err)
        assert out.decode("ascii")
    assert b"Success Requests" in (tmp_path / "1.out").read_bytes()


def test_a_message_names_what_the_terminal_lacks(tmp_path: Path) -> None:
    """An error that names a file of other characters is one line, and the exit code its own."""
    (tmp_path / "漢.py").write_text("models = 5", encoding="utf-8")
    done = fastbench("perf", "漢.py", cwd=tmp_path, PYTHONIOENCODING="latin-1")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert rb"\u6f22.py" in done.stderr


def test_a_name_that_the_locale_cannot_write(tmp_path: Path) -> None:
    """Where a config names a directory that the locale cannot write, the message says what to set."""
    config = (
        "models=[dict(type='openai_chat',abbr='漢',mock={})]\nnum_warmups=0\n"
        "datasets=[dict(type='synthetic',count=1,input_len=5,output_len=2)]"
    )
    (tmp_path / "run.py").write_text(config, encoding="utf-8")
    done = fastbench("perf", "run.py", cwd=tmp_path, LC_ALL="C", PYTHONUTF8="0")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Traceback" not in done.stderr
    assert b"cannot be the name of a file in this locale (ascii); set LC_ALL=C.UTF-8" in done.stderr
