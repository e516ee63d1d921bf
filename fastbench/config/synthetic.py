"""The settings of synthetic prompts: the guide's dict, mixes, prefix pools."""

from collections.abc import Mapping
from typing import Any

from fastbench.config.check import check_fields
from fastbench.config.dataset_schema import MixPart, PrefixPool, SyntheticConfig
from fastbench.config.fields import MAX_LENGTH
from fastbench.config.guide import from_guide
from fastbench.config.issues import Issues
from fastbench.config.lengths import build_lengths

_LENGTHS = ("input_len", "output_len")


def build_synthetic(settings: dict[str, Any], path: str, issues: Issues) -> dict[str, Any]:
    """The fields of a SyntheticConfig that `settings` sets well; the other faults were added to `issues`."""
    settings = dict(settings)
    told: set[str] = set()
    for name in ("synthetic_config", "config"):
        if name in settings:
            guide = from_guide(settings.pop(name), f"{path}.{name}", issues)
            settings = {**guide, **settings}
            told |= {"count", "input_len"}
    told |= _replace_lengths(settings, path, issues)
    _replace_mix(settings, path, issues, told)
    pool = settings.get("prefix_pool")
    if isinstance(pool, Mapping):
        # Checked by itself, so that its fields are named.
        checked = check_fields(PrefixPool, pool, f"{path}.prefix_pool", issues)
        settings["prefix_pool"] = PrefixPool(**checked) if {"count", "length"} <= checked.keys() else None
    values = check_fields(SyntheticConfig, settings, path, issues, told)
    if {"input_len", "mix"}.isdisjoint(settings.keys() | told):
        issues.missing(f"{path}.input_len", "a number of tokens or [least, most], or the lengths must stand in mix")
    _check_prefixes(values, path, issues)
    if values.get("as_ids") and values.get("with_chat_template"):
        issues.add(f"{path}.with_chat_template", "is True, and so is as_ids, which no chat takes; set one of them")
    return values


def _replace_lengths(settings: dict[str, Any], path: str, issues: Issues) -> set[str]:
    """Puts laws in the place of what stands for them; returns the names of those that cannot be used."""
    bad = set()
    for name in _LENGTHS:
        if settings.get(name) is None:
            settings.pop(name, None)
            continue
        lengths = build_lengths(settings.pop(name), f"{path}.{name}", issues)
        if lengths is None:
            bad.add(name)
        else:
            settings[name] = lengths
    return bad


def _replace_mix(settings: dict[str, Any], path: str, issues: Issues, told: set[str]) -> None:
    raw = settings.pop("mix", None)
    if raw is None or raw in ([], ()):
        return
    told.add("mix")
    if not isinstance(raw, list | tuple):
        issues.wrong(f"{path}.mix", raw, "a list of dicts with input_len, output_len and weight")
        return
    for name in _LENGTHS:
        if name in settings:
            issues.add(f"{path}.mix", f"is set, and so is {name}; set one of them")
    parts = [_part(item, f"{path}.mix[{index}]", issues) for index, item in enumerate(raw)]
    settings["mix"] = tuple(part for part in parts if part is not None)


def _part(raw: object, path: str, issues: Issues) -> MixPart | None:
    if isinstance(raw, MixPart):
        return raw
    if not isinstance(raw, Mapping):
        issues.wrong(path, raw, "a dict with input_len, output_len and weight")
        return None
    settings = dict(raw)
    told = _replace_lengths(settings, path, issues)
    values = check_fields(MixPart, settings, path, issues, told)
    return MixPart(**values) if "input_len" in values else None


def _check_prefixes(values: dict[str, Any], path: str, issues: Issues) -> None:
    parts = [values["input_len"]] if "input_len" in values else [part.input_len for part in values.get("mix", ())]
    shortest = min((lengths.low for lengths in parts), default=MAX_LENGTH)
    shared = values.get("shared_prefix", 0)
    pool = values.get("prefix_pool")
    if shared > shortest:
        issues.wrong(f"{path}.shared_prefix", shared, f"at most the shortest input_len, {shortest}")
    if pool is None:
        return
    if pool.length > shortest:
        issues.wrong(f"{path}.prefix_pool.length", pool.length, f"at most the shortest input_len, {shortest}")
    if shared:
        issues.add(f"{path}.prefix_pool", "is set, and so is shared_prefix; set one of them")
