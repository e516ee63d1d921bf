"""AISBench's `prompt_template` dicts → native templates."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastbench.aisbench.models import type_name
from fastbench.config import Issues, show
from fastbench.config.fields import nearest

_ROLES = {"HUMAN": "user", "BOT": "assistant", "SYSTEM": "system", "TOOL": "tool"}
_CHAT_ROLES = (*_ROLES.values(), "developer")
_ROUND_FORM = 'a dict such as dict(role="HUMAN", prompt="{question}")'
_SECTIONS = ("begin", "round", "end")
_EXAMPLES = "</E>"
_RETRIEVERS = ("ZeroRetriever",)


def take_template(own: dict[str, Any], infer: Mapping[str, Any], path: str, issues: Issues) -> None:
    """Sets the native `template` of `own` to that of an `infer_cfg`, if it has one. path: of the data set."""
    retriever = infer.get("retriever")
    name = type_name(retriever.get("type")) if isinstance(retriever, Mapping) else None
    if retriever is not None and name not in _RETRIEVERS:
        issues.add(
            f"{path}.infer_cfg.retriever",
            f"is {name or show(retriever)}; it must be ZeroRetriever: write the examples into the template",
        )
    for field in ("prompt_template", "ice_template"):
        outer = infer.get(field)
        if not isinstance(outer, Mapping) or "template" not in outer:
            continue
        written = f"{path}.infer_cfg.{field}.template"
        made = _template(outer["template"], written, issues)
        if made is None:
            issues.excuse(f"{path}.template")
        else:
            own["template"] = made
            issues.rename(f"{path}.template", written)
        return


def _template(raw: object, path: str, issues: Issues) -> str | list[dict[str, str]] | None:
    if isinstance(raw, str):
        return raw.replace(_EXAMPLES, "")
    if isinstance(raw, Mapping) and "round" in raw:
        sections = {name: raw.get(name) or [] for name in _SECTIONS}
        if isinstance(begin := sections["begin"], str):
            text = begin.replace(_EXAMPLES, "")
            sections["begin"] = [{"role": "SYSTEM", "prompt": text}] if text else []
        if all(isinstance(section, list | tuple) for section in sections.values()):
            return _messages(sections, path, issues)
    issues.wrong(path, raw, 'text, or a dict with "round" (and "begin", "end"): lists of dicts with role and prompt')
    return None


def _messages(sections: Mapping[str, Sequence[Any]], path: str, issues: Issues) -> list[dict[str, str]] | None:
    before = len(issues)
    made = [
        _message(item, f"{path}.{name}[{index}]", issues)
        for name, items in sections.items()
        for index, item in enumerate(items)
        if item != _EXAMPLES
    ]
    messages = [message for message in made if message is not None]
    if len(issues) > before:
        return None
    # A last BOT round is what the model is to write.
    while messages and messages[-1]["role"] == "assistant":
        messages.pop()
    if not messages:
        issues.add(path, "asks nothing; give it a round with role HUMAN")
        return None
    return messages


def _message(item: object, path: str, issues: Issues) -> dict[str, str] | None:
    if not isinstance(item, Mapping):
        issues.wrong(path, item, _ROUND_FORM)
    elif "prompt_mm" in item:
        issues.add(f"{path}.prompt_mm", "asks with pictures, video or sound; this version sends text only, as prompt")
    elif not isinstance(role := item.get("role"), str) or not isinstance(text := item.get("prompt"), str):
        issues.wrong(path, item, _ROUND_FORM)
    elif role not in _ROLES and role not in _CHAT_ROLES:
        close = nearest(role.upper(), _ROLES)
        hint = f"did you mean {close}?" if close else f"it must be {', '.join(_ROLES)}"
        issues.add(f"{path}.role", f"is {show(role)}; {hint}")
    else:
        return {"role": _ROLES.get(role, role), "content": text.replace(_EXAMPLES, "")}
    return None
