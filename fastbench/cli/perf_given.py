"""What the user means by what stands in the place of a config: a config, a URL, prompts, or a run."""

import re
from pathlib import Path

from fastbench.cli.perf_sources import Fields, Options, flag
from fastbench.config.url import shown_url
from fastbench.errors import UsageError

_URL = re.compile(r"[a-z][a-z0-9+.-]*://|[^/?#]*@|[\w.-]+:\d+(/|\?|$)", re.IGNORECASE)
_PROMPTS = {".jsonl": "dataset", ".json": "custom_dataset_path", ".csv": "custom_dataset_path"}
# Options whose value may be left out, and what they then have: a config behind one of them is none of its values.
_ALONE = {"reuse": "latest", "service_metrics": "1s", "ray": "auto"}


def understood(options: Options) -> Options:
    """`options` with each thing under the option that it belongs to. Raises UsageError that names the option where
    that is for the user to say."""
    options = _without_swallowed(dict(options))
    for option in ("config_file", "config"):
        text = options.get(option)
        if not text or (Path(text).is_file() and Path(text).suffix not in _PROMPTS):
            continue
        if Path(text).is_dir():
            raise UsageError(_of_directory(Path(text)))
        if Path(text).suffix in _PROMPTS:
            prompts = flag(_PROMPTS[Path(text).suffix])
            raise UsageError(f"{text} is no config, which is Python; if it holds prompts, give it as {prompts} {text}")
        if not Path(text).exists() and _URL.match(text.strip()):
            if "url" in options:
                raise UsageError(f"{shown_url(text)} and --url name two services; give one of them")
            del options[option]
            options["url"] = text
    return options


def _without_swallowed(options: Fields) -> Fields:
    for option, alone in _ALONE.items():
        value = options.get(option)
        if isinstance(value, str) and value.endswith(".py") and "config_file" not in options:
            options |= {option: alone, "config_file": value}
    return options


def _of_directory(path: Path) -> str:
    where = path.resolve()
    return (
        f"{path} is a directory, not a config; if it is a run, continue it by --reuse {where.name} "
        f"--work-dir {path.parent}, or see it by `fastbench report {path}`"
    )
