"""Prompt templates: fastbench's own messages, and the original's `prompt_template` dicts."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastbench.config.issues import Issues, nearest, show
from fastbench.config.service import type_name

_ROLES = {"HUMAN": "user", "BOT": "assistant", "SYSTEM": "system", "TOOL": "tool"}
_CHAT_ROLES = (*_ROLES.values(), "developer")
# Stands for a template whose faults are told, so that it is not called missing too.
_BAD = "?"
_ROUND_FORM = 'a dict such as dict(role="HUMAN", prompt="{question}")'
_SECTIONS = ("begin", "round", "end")
_EXAMPLES = "</E>"
_RETRIEVERS = ("ZeroRetriever",)


def template_fault(template: str | tuple[dict[str, str], ...] | None) -> str | None:
    """What a `template` must be, where this one, of the right types, is not it."""
    if template is None or (isinstance(template, str) and template):
        return None
    if template and all({"role", "content"} <= message.keys() for message in template if isinstance(message, dict)):
        return None
    return "text, or a list of at least one message with role and content"


def template_of(infer: Mapping[str, Any], path: str, issues: Issues) -> str | list[dict[str, str]] | None:
    """The template of an `infer_cfg`, in fastbench's own form; None where there is none."""
    retriever = infer.get("retriever")
    name = type_name(retriever.get("type")) if isinstance(retriever, Mapping) else None
    if retriever is not None and name not in _RETRIEVERS:
        issues.add(
            f"{path}.retriever",
            f"is {name or show(retriever)}; it must be ZeroRetriever: write the examples into the template",
        )
    for field in ("prompt_template", "ice_template"):
        outer = infer.get(field)
        if isinstance(outer, Mapping) and "template" in outer:
            made = _template(outer["template"], f"{path}.{field}.template", issues)
            return _BAD if made is None else made
    return None


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
