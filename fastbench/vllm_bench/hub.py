"""Where a model's tokenizer lies: a directory, a file, or Hugging Face's cache, in which vLLM left it. Nothing is
downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FILE = "tokenizer.json"


def find_tokenizer(name: str, environment: Mapping[str, str]) -> Path | None:
    """The directory of the tokenizer that `name` means, or the file that it is; None where there is none here."""
    path = Path(name).expanduser()
    if path.is_file() or (path / FILE).is_file():
        return path
    model = _cache(environment) / f"models--{name.replace('/', '--')}"
    snapshots = model / "snapshots"
    try:
        current = snapshots / (model / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        current = snapshots
    if current != snapshots and (current / FILE).is_file():
        return current
    return next((path.parent for path in sorted(snapshots.glob(f"*/{FILE}"))), None)


def _cache(environment: Mapping[str, str]) -> Path:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environment.get(name):
            return Path(environment[name])
    if environment.get("HF_HOME"):
        return Path(environment["HF_HOME"]) / "hub"
    caches = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".cache")
    return Path(caches) / "huggingface" / "hub"
