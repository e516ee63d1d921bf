"""Prompts of real text, of an exact number of tokens.

`source.py`: where the text comes from, the corpus that ships with fastbench or a file. `cutting.py`: text and
tokenizer → prompts. `assets/corpus.txt`: two works in the public domain (`assets/SOURCES.md`).
"""

from fastbench.datasets.text.cutting import PREFIXES, SESSIONS, CutText, RealText, open_text
from fastbench.datasets.text.source import find_text

__all__ = ["PREFIXES", "SESSIONS", "CutText", "RealText", "find_text", "open_text"]
