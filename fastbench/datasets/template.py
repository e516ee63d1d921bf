"""Rows put into a template of text or messages."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from msgspec import Meta, field

from fastbench.config import Issues
from fastbench.config.fields import Text
from fastbench.datasets.files import FileConfig, FileDataset, in_range
from fastbench.datasets.row_fields import USUAL, length_names, output_len
from fastbench.datasets.rows import Row, RowError, columns_of, open_rows
from fastbench.datasets.samples import DatasetFormat, Sample
from fastbench.tokenizer import Prompt, TokenMeasure

_NAME = re.compile(r"\{(\w+)\}")

Template = Annotated[
    str | tuple[dict[str, str], ...],
    Meta(extra_json_schema={"description": 'text or a list of {"role": "user", "content": "…{question}…"}'}),
]


class TemplateConfig(FileConfig, frozen=True, kw_only=True, tag_field="type", tag="template"):
    """Rows of a JSONL, JSON or CSV file, put into a template."""

    template: Template
    """`{name}` stands for the row's field of this name."""
    columns: Annotated[tuple[Text, ...], Meta(extra_json_schema={"description": "a list of names"})] = ()
    """Fields that each row must have."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Name in the template: the row's name for it, where the row lacks the first."""
    output_column: Text | None = None
    """The answer's field: it stands empty in the prompt."""
    output_len_key: Text = USUAL

    @classmethod
    def check(cls, settings: Mapping[str, Any], path: str, issues: Issues) -> dict[str, Any]:
        """A template asks something."""
        values = super().check(settings, path, issues)
        check_template(values.get("template"), f"{path}.template", issues)
        return values


def check_template(template: str | tuple[dict[str, str], ...] | None, path: str, issues: Issues) -> None:
    """Adds to `issues` what is wrong with a template of the right types; None is nothing to check."""
    messages = () if isinstance(template, str) else template or ()
    if template is not None and not (template and all({"role", "content"} <= message.keys() for message in messages)):
        issues.wrong(path, template, "text, or a list of at least one message with role and content")


def open_template(config: TemplateConfig, _: TokenMeasure) -> FileDataset:
    """The rows of one file, each in the template."""
    rows = open_rows(config.path)
    fill = filler(config.template, required=config.columns, output_column=config.output_column, aliases=config.aliases)

    def make(index: int, row: Row) -> Sample:
        return Sample(index, fill(row), None, output_len(row, config.output_len_key))

    named = _named(config.template).union(config.columns, config.aliases.values(), (config.output_column or "",))
    used = named | length_names(config.output_len_key)
    return FileDataset(rows, make, in_range(range(len(rows)), config.test_range, config.path), used=used)


def filler(
    template: str | tuple[dict[str, str], ...],
    *,
    required: tuple[str, ...] = (),
    output_column: str | None = None,
    aliases: Mapping[str, str] = {},
) -> Callable[[Row], Prompt]:
    """A function from row to prompt: `{name}` becomes the row's field, and braces around anything else stay.

    required: fields that each row must have, as far as the template names them; at least one that the template
    names must be there. output_column: becomes nothing, as the model is to write it. aliases: name in the
    template → another name that the row may have for it. The function raises RowError.
    """
    named = _named(template)
    needed = (named & set(required)) - {output_column}

    def value(row: Row, name: str) -> object:
        return row[name] if name in row else row.get(aliases.get(name, name))

    def fill(row: Row) -> Prompt:
        fields = {name: found for name in named if (found := value(row, name)) is not None}
        if output_column is not None:
            fields[output_column] = ""
        missing = sorted(needed - fields.keys())
        if missing or (named and not named & fields.keys()):
            wanted = " and ".join(missing or sorted(named))
            if all(name in row for name in missing or named):
                raise RowError(f"has null as {wanted}, but the template asks for it")
            raise RowError(f"has no {wanted}, only {columns_of(row)}, but the template asks for it")

        def put(text: str) -> str:
            return _NAME.sub(lambda match: str(fields.get(match[1], match[0])), text)

        if isinstance(template, str):
            return put(template)
        return [{**message, "content": put(message["content"])} for message in template]

    return fill


def _named(template: str | tuple[dict[str, str], ...]) -> frozenset[str]:
    """The fields that a template asks for."""
    texts = [template] if isinstance(template, str) else [message["content"] for message in template]
    return frozenset(_NAME.findall("\n".join(texts)))


TEMPLATE = DatasetFormat(TemplateConfig, open_template)
