"""Synthetic prompts: their settings, their lengths, the prefixes that they share, and the words themselves."""

from fastbench.datasets.synthetic.laws import law_of
from fastbench.datasets.synthetic.prompts import SYNTHETIC, HitRatio, SyntheticDataset
from fastbench.datasets.synthetic.settings import MixPart, PrefixPool, SyntheticConfig

__all__ = [
    "SYNTHETIC",
    "HitRatio",
    "MixPart",
    "PrefixPool",
    "SyntheticConfig",
    "SyntheticDataset",
    "law_of",
]
