"""How wide a text is on a terminal; several in a sentence; the words of a page. Pure functions."""

import re
import unicodedata
from collections.abc import Sequence


def columns(text: str) -> int:
    """How many a terminal takes for it."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Its beginning, in so many columns at the most."""
    kept = text[: max(0, width)]
    while kept and columns(kept) > width:
        kept = kept[:-1]
    return kept


def shortened(text: str, width: int | None) -> str:
    """`text` in so many columns at the most, with an ellipsis where it is cut. width: None = no limit."""
    if width is None or columns(text) <= width:
        return text
    return f"{cut(text, width - 1).rstrip()}…" if width > 0 else ""


_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_NO_WORDS = re.compile(r"<(script|style)\b.*?(</\1>|$)|<!--.*?(-->|$)|<[^>]*(>|$)", re.IGNORECASE | re.DOTALL)


_OF_A_PAGE = 120


def excerpt(text: str, most: int = _OF_A_PAGE) -> str:
    """What somebody answered, on one line of at most so many characters: of a page its title, else its first words."""
    if text.lstrip()[:1] == "<":
        title = _TITLE.search(text)
        text = (title and title[1].strip()) or _NO_WORDS.sub(" ", text).strip() or text
        most = min(most, _OF_A_PAGE)
    return shortened(" ".join(text.split()), most)


def listed(names: Sequence[str]) -> str:
    """In a sentence, of one or more: `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
