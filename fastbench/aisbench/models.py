"""AISBench's model dicts → native settings of a service."""

from collections.abc import Mapping
from typing import Any, Final

from fastbench.config import Issues, show
from fastbench.config.fields import nearest
from fastbench.registry import dialect_names

MODEL_CLASSES: Final[dict[str, tuple[str, bool | None]]] = {
    "VLLMCustomAPI": ("openai_completions", None),
    "VLLMCustomAPIStream": ("openai_completions", True),
    "VLLMCustomAPIChat": ("openai_chat", None),
    "VLLMCustomAPIChatStream": ("openai_chat", True),
    "VllmMultiturnAPIChatStream": ("openai_chat", True),
    "TGICustomAPI": ("tgi_generate", None),
    "TGICustomAPIStream": ("tgi_generate", True),
    "TritonCustomAPI": ("triton_generate", None),
    "TritonCustomAPIStream": ("triton_generate", True),
    "MindieStreamApi": ("mindie_infer", None),
}
"""`type` in a config: the native type, and the value of `stream` that the name stands for."""

REFUSED: Final[dict[str, str]] = {
    "VITAGenerateAPI": "it sends pictures and sound, which fastbench does not; use openai_chat for text",
}
"""Types that cannot be measured, and why."""

WITHOUT_EFFECT: Final = frozenset(
    {
        "pred_postprocessor",
        "returns_tool_calls",
        "summarizer_abbr",
        "run_cfg",
        "min_out_len",
        "verbose",
        "response_anomaly",
    }
)
"""Settings without effect on a measurement: accepted and ignored."""


def type_name(value: object) -> str | None:
    """The name that a `type` stands for: text, dotted text or a class; None for anything else."""
    if isinstance(value, type):
        return value.__name__
    return value.rpartition(".")[2] if isinstance(value, str) else None


def translate_model(raw: object, path: str, issues: Issues) -> object:
    """`raw` in native form; of a type that cannot be translated the other fields stay, to be checked."""
    if not isinstance(raw, Mapping):
        return raw
    native: dict[str, Any] = {name: value for name, value in raw.items() if name not in WITHOUT_EFFECT}
    name = type_name(raw.get("type")) or ""
    if name in dialect_names():
        return native | {"type": name}
    if name in MODEL_CLASSES:
        native["type"], stream = MODEL_CLASSES[name]
        return native if stream is None else native | {"stream": stream}
    hint = REFUSED.get(name) or _misspelled(name)
    if hint:
        issues.add(f"{path}.type", f"is {show(native.pop('type'))}; {hint}")
        issues.excuse(f"{path}.type")
    return native


def _misspelled(name: str) -> str | None:
    """The hint for a name that is most likely one of AISBench's."""
    folded = {known.lower(): known for known in (*dialect_names(), *MODEL_CLASSES)}
    close = folded.get(nearest(name.lower(), folded) or "")
    return f"did you mean {close}?" if close in MODEL_CLASSES else None
