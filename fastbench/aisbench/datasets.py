"""AISBench's data set dicts (`type`, `path`, `reader_cfg`, `infer_cfg`, `eval_cfg`) → native settings."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from fastbench.aisbench.models import type_name
from fastbench.aisbench.synthetic import translate_synthetic
from fastbench.config import Issues, show
from fastbench.config.fields import MAX_COUNT, find_data, nearest, parse_slice
from fastbench.registry import DATASETS

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


Settings = dict[str, Any]

_SYNTHETIC_DICT = "synthetic_config"
# Most names of classes end alike, so that others look similar too.
_CLOSE = 0.85
_PARTS = ("reader_cfg", "infer_cfg", "eval_cfg")
# What has no meaning where nobody judges the answers.
_NO_EFFECT = ("n", "k", "num_repeats", "trust_remote_code", "model_path", "judge_infer_cfg")
# Those that weigh given answers or play with tools; AISBench does not measure them either.
_NOT_MEASURED = ("PPL", "BFCL")
_FILE_SUFFIXES = (".jsonl", ".json", ".csv")
_MULTIMODAL = ("MMCustomDataset", "TextVQADataset", "VideoBenchDataset", "VocalSoundDataset", "MMMUDataset")
_WHY_NOT = (
    'a data set that fastbench does not know; set path to a .jsonl, .json or .csv file, and type to "template"',
    "which asks with pictures, video or sound; this version sends text only",
)


class Known(NamedTuple):
    """How a class of AISBench is read. `file`: below `path`, where that is a directory; `splits`: the parts of the
    data set that have a file each, the one first that is read where the config names none."""

    kind: str
    file: str = ""
    aliases: Mapping[str, str] = {}
    splits: tuple[str, ...] = ()


_AIME = {"question": "origin_prompt", "answer": "gold_answer"}
DATASET_CLASSES: dict[str, Known] = {
    "SyntheticDataset": Known("synthetic"),
    "CustomDataset": Known("custom"),
    "ShareGPTDataset": Known("sharegpt", "ShareGPT_V3_unfiltered_cleaned_split.json"),
    "MTBenchDataset": Known("mtbench", "question.jsonl"),
    "MooncakeTraceDataset": Known("mooncake"),
    "GSM8KDataset": Known("template", "{split}.jsonl", splits=("test", "train")),
    "Aime2024Dataset": Known("template", "aime.jsonl", _AIME),
    "Aime2025Dataset": Known("template", "aime2025.jsonl"),
    "Aime2026Dataset": Known("template", "aime2026.jsonl"),
    "HumanevalDataset": Known("template", "human-eval-v2-20210705.jsonl"),
    "CEvalDataset": Known("template", "{split}/{name}_{split}.csv", splits=("val", "dev", "test")),
    "BoolQDataset": Known("template", "val.jsonl"),
    "BoolQDatasetV2": Known("template", "val.jsonl"),
}


def translate_dataset(raw: object, path: str, issues: Issues) -> object:
    """`raw` in native form. An item that cannot be translated is excused as a whole."""
    if not isinstance(raw, Mapping):
        return raw
    if "type" not in raw and _SYNTHETIC_DICT in raw:
        return _with_laws({"type": "synthetic", **raw}, path, issues)
    name = type_name(raw.get("type"))
    if name in DATASETS:
        native = {**raw, "type": name}
    elif name and (name in DATASET_CLASSES or any(part in raw for part in _PARTS)):
        native = _of_class(raw, name, path, issues)
    else:
        close = nearest(name, [*DATASETS.names(), *DATASET_CLASSES], _CLOSE) if name else None
        if close in DATASET_CLASSES:
            issues.add(f"{path}.type", f"is {show(raw['type'])}; did you mean {close}?")
            issues.excuse(path)
        return raw
    return _with_laws(native, path, issues) if native.get("type") == "synthetic" else native


def _with_laws(native: Settings, path: str, issues: Issues) -> Settings:
    """With the fields that a `synthetic_config` sets, those that stand beside it going over them."""
    for name in (_SYNTHETIC_DICT, "config"):
        if name in native:
            rest = {key: value for key, value in native.items() if key != name}
            native = {**translate_synthetic(native[name], f"{path}.{name}", issues), **rest}
            issues.excuse(f"{path}.count")
            issues.excuse(f"{path}.input_len")
    return native


def _of_class(settings: Mapping[str, Any], name: str, path: str, issues: Issues) -> Settings:
    known = None if name in _MULTIMODAL else DATASET_CLASSES.get(name) or _by_file(settings)
    if known is None:
        issues.add(f"{path}.type", f"is {name}, {_WHY_NOT[name in _MULTIMODAL]}")
        issues.excuse(path)
        return {}
    reader, infer = (_dict(settings, part, path, issues) for part in ("reader_cfg", "infer_cfg"))
    _check_inferencer(infer, path, issues)
    left_out = {"type", *_PARTS, *_NO_EFFECT}
    own: Settings = {key: value for key, value in settings.items() if key not in left_out}
    if "test_range" in reader and "test_range" not in own:
        own["test_range"] = reader["test_range"]
        issues.rename(f"{path}.test_range", f"{path}.reader_cfg.test_range")
    _MAKERS[known.kind](own, known, reader, infer, path, issues)
    return {"type": known.kind, **own}


def _check_inferencer(infer: Mapping[str, Any], path: str, issues: Issues) -> None:
    inferencer = infer.get("inferencer")
    name = type_name(inferencer.get("type") if isinstance(inferencer, Mapping) else inferencer) or ""
    if name.startswith(_NOT_MEASURED):
        sentence = f"is {name}, which asks for more or other than an answer; it must be one such as GenInferencer"
        issues.add(f"{path}.infer_cfg.inferencer", sentence)


def _by_file(settings: Mapping[str, Any]) -> Known | None:
    """Rows of a file that needs no code of its own."""
    file = settings.get("path")
    return Known("template") if isinstance(file, str) and file.endswith(_FILE_SUFFIXES) else None


def _dict(settings: Mapping[str, Any], part: str, path: str, issues: Issues) -> Mapping[str, Any]:
    raw = settings.get(part) or {}
    if isinstance(raw, Mapping):
        return raw
    issues.wrong(f"{path}.{part}", raw, "a dict of settings")
    issues.excuse(f"{path}.template")
    return {}


def _synthetic(
    own: Settings, _: Known, __: Mapping[str, Any], ___: Mapping[str, Any], path: str, issues: Issues
) -> None:
    own.pop("path", None)  # AISBench's loader ignores it too
    test_range, config = own.pop("test_range", None), own.get("config")
    count = own.get("count", config.get("RequestCount") if isinstance(config, Mapping) else None)
    if test_range is None or type(count) is not int or not 0 < count <= MAX_COUNT:
        return
    # Sample i is made of its number alone, so the first ones are those of a smaller set.
    part = parse_slice(test_range) if isinstance(test_range, str) else None
    kept = range(count)[part or slice(0)]
    if kept and kept[0] == 0 and kept.step == 1:
        own["count"] = len(kept)
    else:
        issues.wrong(f"{path}.test_range", test_range, 'a slice of the first prompts, such as "[:8]", for made ones')


def _custom(
    own: Settings, _: Known, __: Mapping[str, Any], infer: Mapping[str, Any], path: str, issues: Issues
) -> None:
    if "file_name" in own:
        own["path"] = os.path.join(str(own.get("path", "")), str(own.pop("file_name")))
    take_template(own, infer, path, issues)
    if own.get("meta_path") == "":
        del own["meta_path"]


def _conversation(
    own: Settings, known: Known, _: Mapping[str, Any], infer: Mapping[str, Any], path: str, issues: Issues
) -> None:
    own["path"] = _file(own, known)
    inferencer = infer.get("inferencer")
    if isinstance(inferencer, Mapping) and "infer_mode" in inferencer and "infer_mode" not in own:
        own["infer_mode"] = inferencer["infer_mode"]
        issues.rename(f"{path}.infer_mode", f"{path}.infer_cfg.inferencer.infer_mode")
    if "disable_shuffle" in own:
        own["shuffle"] = not own.pop("disable_shuffle")


def _trace(own: Settings, *_: Any) -> None:
    own.setdefault("abbr", "mooncake-trace")


def _rows(
    own: Settings,
    known: Known,
    reader: Mapping[str, Any],
    infer: Mapping[str, Any],
    path: str,
    issues: Issues,
) -> None:
    take_template(own, infer, path, issues)
    columns = reader.get("input_columns", ())
    columns = [columns] if isinstance(columns, str) else columns
    if isinstance(columns, list | tuple):
        own["columns"] = [column for column in columns if column != "max_out_len"]
    else:
        issues.wrong(f"{path}.reader_cfg.input_columns", columns, "a list of names")
    own["output_column"] = reader.get("output_column")
    own["aliases"] = dict(known.aliases)
    own["path"] = _file(own, known, _split(known, reader, path, issues))
    own.pop("name", None)


def _split(known: Known, reader: Mapping[str, Any], path: str, issues: Issues) -> str:
    """The part of the data set that is read; "" where its class has but one file, which is every part."""
    if not known.splits:
        return ""
    split = reader.get("test_split", known.splits[0])
    if split not in known.splits:
        issues.wrong(f"{path}.reader_cfg.test_split", split, f"one of {', '.join(known.splits)}")
    return str(split)


def _file(own: Settings, known: Known, split: str = "") -> Any:
    """`path`, or the class's usual file below it where it is a directory."""
    path = own.get("path")
    if not isinstance(path, str) or not path or path.endswith(_FILE_SUFFIXES) or not known.file:
        return path
    below = known.file.format(split=split, name=own.get("name", ""))
    return find_data(os.path.join(path, below))


_MAKERS: dict[str, Callable[..., None]] = {
    "synthetic": _synthetic,
    "custom": _custom,
    "sharegpt": _conversation,
    "mtbench": _conversation,
    "mooncake": _trace,
    "template": _rows,
}
