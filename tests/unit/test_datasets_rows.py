"""Files of rows: JSON lines, JSON arrays, CSV."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from data_files import array_file, lines_file
from hypothesis import given
from hypothesis import strategies as st

from fastbench.datasets.rows import RowFile, open_rows, walk
from fastbench.errors import DatasetError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ROWS = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=6)


def rows_of(path: str) -> list[Any]:
    return [row for _, row in walk(RowFile(path))]


def fault(path: str) -> str:
    with pytest.raises(DatasetError) as caught:
        rows_of(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(path)


@given(rows=ROWS, indent=st.sampled_from([None, 0, 3]))
def test_a_json_array_is_cut_into_its_items(
    rows: list[dict[str, Any]], indent: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever strings and nested values the items hold, each is found as it is."""
    path = tmp_path_factory.mktemp("rows") / "rows.json"
    path.write_text("\ufeff " + json.dumps(rows, indent=indent), encoding="utf-8")
    assert rows_of(str(path)) == rows


@given(rows=ROWS)
def test_json_lines_are_cut_at_line_ends(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each line that is not empty is a row, under any suffix."""
    folder = tmp_path_factory.mktemp("rows")
    assert rows_of(lines_file(folder, *rows, "", name="rows.json" if rows else "rows.jsonl")) == rows


def test_csv_keeps_commas_quotes_and_line_ends(tmp_path: Path) -> None:
    """Cells may hold what separates cells and rows; empty lines and a mark at the start do not count."""
    path = tmp_path / "rows.csv"
    path.write_bytes('\ufeffa,b\r\n1,"x, ""y""\nz"\r\n\r\n,ä\n'.encode())
    assert rows_of(str(path)) == [{"a": "1", "b": 'x, "y"\nz'}, {"a": "", "b": "ä"}]


def test_csv_of_other_programs(tmp_path: Path) -> None:
    """A suffix in capitals, a byte order mark and rows of nothing but empty cells are what sheets write."""
    path = tmp_path / "ROWS.CSV"
    path.write_bytes(b'\xef\xbb\xbfprompt,x\r\n"a\r\nb",1\r\n,\r\n\r\nc,\r\n')
    assert rows_of(str(path)) == [{"prompt": "a\r\nb", "x": "1"}, {"prompt": "c", "x": ""}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.tsv", "prompt\tx, y\na,b\t1\n"),
        ("r.csv", '"prompt";"x, y"\r\n"a,b";1\r\n'),
        ("r.csv", "\n prompt\tx, y \na,b\t1\n".replace(", y", " y")),
        ("r.csv", 'prompt,"x, y; z"\n"a,b",1\n'),
    ],
)
def test_tables_of_other_separators(tmp_path: Path, name: str, content: str) -> None:
    """What separates cells is seen by the header: tabs in a .tsv file, else a comma, else a tab or a semicolon; blanks
    around the names of columns are none of theirs."""
    path = tmp_path / name
    path.write_text(content, newline="")
    (row,) = rows_of(str(path))
    assert list(row.values()) == ["a,b", "1"]
    first, second = row
    assert (first, second[0]) == ("prompt", "x")


def test_csv_cells_may_be_long(tmp_path: Path) -> None:
    """A cell may hold a prompt of more than 128 KiB."""
    path = lines_file(tmp_path, "a", "x" * 300_000, name="rows.csv")
    assert [len(row["a"]) for row in rows_of(path)] == [300_000]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("r.csv", "a,b\n1,2\n3\n", ", line 3: the row has 1 cells, where the header has 2; correct or remove it"),
        ("r.csv", 'a\n"x\n', ", line 2: this is not CSV (unexpected end of data)"),
        ("r.csv", b"a\n\xff\n", ", line 2: this is not UTF-8; save the file as UTF-8"),
        ("r.json", '[{"a": 1}, {"a": }]', ", item 2: the row is not JSON"),
        ("r.json", '[{"a": 1}, 5, {"a": }]', ": after item 1 of the array stands '5', which is no object; remove it"),
        ("r.json", '[{"a": 1}, null]', ": after item 1 of the array stands 'null'"),
        ("r.json", '["a", "b"]', ", item 1: the row is 'a', not an object"),
        ("r.json", '[{"a": 1}]\n{"a": 2}', ": behind the end of the array stands '{\"a\": 2}'"),
        ("r.csv", "a,b,a\n1,2,3\n", ", line 1: the column 'a' is there twice; rename one of them"),
        ("r.jsonl", b"\x1f\x8b\x08\x00\x00", ": the data set is gzip data; unpack it with gunzip"),
        ("r.csv", b"PK\x03\x04\x00", ": the data set is a zip archive; unpack it"),
        ("r.parquet", b"PAR1\x15\x04", ": the data set is a Parquet file; write its rows as JSON lines"),
        ("r.jsonl", "version https://git-lfs.github.com/spec/v1\noid", ": the data set is a pointer of Git LFS; fetch"),
        ("r.json", '[{"a": 1}, {"a"', ": the JSON array has no end; the file was cut or is not JSON"),
        ("r.jsonl", '[{"a": 1}]', ", line 1: the row is an array of 1 rows; name the file .json to have them read"),
        ("r.json", '{\n"a": 1}', ", line 1: the row is not JSON (unexpected end of data, column 1); a row is one line"),
        ("r.json", '[{"a": 1}, [1]]', ", item 2: the row is [1], not an object"),
        ("r.jsonl", '{"a": 1}\n[1]', ", line 2: the row is [1], not an object"),
        ("r.jsonl", '{"a": 1}\n\n{"a"}', ", line 3: the row is not JSON"),
    ],
)
def test_broken_files_are_told_by_their_place(tmp_path: Path, name: str, content: str | bytes, told: str) -> None:
    """What cannot be read is told in one sentence with the file and the line or the item."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert fault(str(path)).startswith(told)


def test_a_missing_file_and_a_directory_are_told(tmp_path: Path) -> None:
    """A path that is no file is told when the set is opened."""
    assert fault(str(tmp_path / "no.jsonl")).startswith(": no such data set; looked at")
    assert fault(str(tmp_path)) == ": the data set cannot be read: Is a directory; name a file that can be read"


def test_rows_are_read_at_any_place_in_any_order(tmp_path: Path) -> None:
    """A row depends only on its position."""
    rows = RowFile(array_file(tmp_path, [{"n": n} for n in range(100)]))
    assert [row["n"] for _, row in walk(rows, [99, 0, 50, 50])] == [99, 0, 50, 50]


def test_a_line_far_into_a_file_is_counted(tmp_path: Path) -> None:
    """The line of a broken row is right beyond the first megabyte."""
    path = lines_file(tmp_path, *[{"text": "x" * 1000}] * 3000, "broken")
    assert fault(path).startswith(", line 3001: the row is not JSON")


def test_a_file_is_indexed_once_as_long_as_it_stays(tmp_path: Path) -> None:
    """Opening the same file again costs no second look through it; a changed file is looked through anew."""
    path = lines_file(tmp_path, {"a": 1})
    first = open_rows(path)
    assert open_rows(path) is first
    lines_file(tmp_path, {"a": 1}, {"a": 2})
    assert len(open_rows(path)) == 2


def test_a_large_array_does_not_stay_in_memory(tmp_path: Path) -> None:
    """Looking through an array of 48 MB takes a part of that at once."""
    path = tmp_path / "rows.json"
    item = json.dumps({"text": "x" * 2**20})
    path.write_text(f"[{','.join([item] * 48)}]", encoding="utf-8")
    # Not getrusage: what it tells begins with the parent's own peak.
    code = (
        "import re; from fastbench.datasets.rows import RowFile\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])\n"
        f"before = peak(); rows = RowFile({str(path)!r}); print(len(rows), (peak() - before) // 1024)"
    )
    told = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, timeout=120).stdout
    count, mib = map(int, told.split())
    assert count == 48
    assert mib < 24


@pytest.mark.parametrize("name", ["r.jsonl", "r.csv", "r.json"])
@pytest.mark.parametrize(
    ("encoding", "guess"), [("latin-1", "Latin-1 or Windows-1252"), ("cp1252", "Windows-1252"), ("utf-16", "UTF-16")]
)
def test_other_encodings_are_guessed(tmp_path: Path, name: str, encoding: str, guess: str) -> None:
    """A file in another encoding is told by its line, with the encoding that it looks like and the way out."""
    path = tmp_path / name
    text = "prompt,x\nfine,1\ngrüße,2\n" if name == "r.csv" else '{"prompt": "fine"}\n{"prompt": "grüße"}\n'
    path.write_bytes(text.encode(encoding))
    with pytest.raises(DatasetError) as caught:
        list(walk(open_rows(str(path))))
    told = str(caught.value)
    line = 1 if encoding == "utf-16" else 3 if name == "r.csv" else 2
    assert told.startswith(f"{path}, line {line}: ")
    assert "is not UTF-8; save the file as UTF-8 (it looks like " in told
    assert guess in told
    assert "iconv" in told
