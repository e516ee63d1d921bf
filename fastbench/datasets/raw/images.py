"""Pictures that stand in a body as the names of files: put in as data URLs."""

import re
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import orjson

from fastbench.config import show
from fastbench.datasets.rows import RowError

_TEXT = rb'"(?:[^"\\]|\\.)*"'
_URL = re.compile(
    rb'"image_url"\s*:\s*(?:\{\s*(?:' + _TEXT + rb"\s*:\s*" + _TEXT + rb'\s*,\s*)*?"url"\s*:\s*)?(' + _TEXT + rb")"
)
_ELSEWHERE = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]+:")
_KINDS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"), (b"BM", "bmp"))
_FILE = "file://"
_WAY_OUT = "name a PNG, JPEG, GIF, WebP or BMP file, relative to the rows' own"


def with_images(body: bytes, folder: Path) -> bytes:
    """The body with each `image_url` that is a file's name made a data URL; the rest stays byte for byte.

    folder: where relative names begin. Raises RowError for a file that is not there, or is no image.
    """
    pieces, at = [], 0
    for start, end, path in _files(body, folder):
        pieces += [body[at:start], _data_url(path)]
        at = end
    return b"".join((*pieces, body[at:]))


def check_images(body: bytes, folder: Path) -> None:
    """Raises RowError where `with_images` would, and where there is no such image; files are not read through."""
    count = 0
    for _, _, path in _files(body, folder):
        count += 1
        _kind(path)
    if not count:
        raise RowError("has image_files, but no image_url of its body is a file's name; leave image_files out")


def _files(body: bytes, folder: Path) -> Iterator[tuple[int, int, Path]]:
    """(where the text of the URL begins, where it ends, the file)."""
    for found in _URL.finditer(body):
        name = orjson.loads(found[1])
        if not _ELSEWHERE.match(name):
            yield found.start(1), found.end(1), folder / name.removeprefix(_FILE)


def _kind(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name has a zero byte"
        raise RowError(f"has the image {show(str(path))}, which cannot be read: {reason}; {_WAY_OUT}") from error
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    for magic, kind in _KINDS:
        if start.startswith(magic):
            return kind
    raise RowError(f"has the image {show(str(path))}, which is no image by its first bytes; {_WAY_OUT}")


@lru_cache(maxsize=16)
def _data_url(path: Path) -> bytes:
    """As a JSON string."""
    kind = _kind(path)
    return b'"data:image/%b;base64,%b"' % (kind.encode(), b64encode(path.read_bytes()))
