"""Where real text comes from: the corpus that ships with fastbench, a file of text, or all text in a file's rows."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fastbench.config.fields import find_data
from fastbench.datasets.plain import BOM, TABLES, open_text, utf8_fault
from fastbench.datasets.rows import open_rows, walk
from fastbench.errors import DatasetError

CORPUS = "corpus"
"""The name of what ships with fastbench."""
MOST = 2 << 20
"""Characters of a file that are used: some 500,000 tokens."""
_ROWS = (".jsonl", ".json", *TABLES)


class Source(NamedTuple):
    """A text, and whether it is only the start of its file."""

    text: str
    is_cut: bool


def find_text(name: object) -> object:
    """The file that a setting names, its whole path; `CORPUS`, and what is no name, as they are."""
    return os.path.abspath(find_data(name)) if isinstance(name, str) and name and name != CORPUS else name


def read_text(name: str) -> Source:
    """The text that `name` stands for. Raises DatasetError for a file that cannot be used."""
    if name != CORPUS and not Path(name).exists():
        raise DatasetError(f"{name}: there is no such text; name a file, or {CORPUS} for what ships with fastbench")
    path = str(Path(__file__).with_name("assets") / "corpus.txt") if name == CORPUS else name
    whole = _of_rows(path) if path.endswith(_ROWS) else _of_file(path)
    return Source(whole[:MOST].strip(), len(whole) > MOST)


def _of_file(path: str) -> str:
    with open_text(path) as file:
        # As many bytes as so many characters may have, and one more.
        content = file.read(4 * MOST + 4).removeprefix(BOM)
    if len(content) > 4 * MOST:
        content = content[: 4 * MOST].decode("utf-8", "ignore").encode()
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: the text {utf8_fault(content)}") from error


def _of_rows(path: str) -> str:
    texts: list[str] = []
    length = 0
    for _, row in walk(open_rows(path)):
        for text in _texts(row):
            texts.append(text)
            length += len(text)
        if length > MOST:
            break
    return "\n\n".join(texts)


def _texts(value: Any) -> Iterator[str]:
    """Every text of a row, in its order, but for single words, such as ids and names of speakers."""
    if isinstance(value, str):
        if len(value.split()) > 1:
            yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
