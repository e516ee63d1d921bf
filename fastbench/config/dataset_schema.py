"""The settings of one data set: names, types, defaults, ranges. `dataset.py` makes them."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from fastbench.config.fields import MAX_LENGTH, Count, DirName, Frozen, Length, Text
from fastbench.config.lengths_schema import Lengths
from fastbench.config.lengths_schema import Uniform as Uniform

Seed = Annotated[int, Meta(ge=0, le=2**63 - 1)]
TestRange = Annotated[
    str | int | float,
    Meta(extra_json_schema={"description": 'a slice such as "[:8]", a number of rows, or a share of them below 1'}),
]
Template = Annotated[
    str | tuple[dict[str, str], ...],
    Meta(extra_json_schema={"description": 'text or a list of {"role": "user", "content": "…{question}…"}'}),
]
DataType = Annotated[Literal["qa", "mcq"], Meta(extra_json_schema={"description": '"qa" or "mcq"'})]
InferMode = Annotated[
    Literal["every", "every_with_gt", "last"],
    Meta(extra_json_schema={"description": '"every", "every_with_gt" or "last"'}),
]


class PrefixPool(Frozen, frozen=True, kw_only=True):
    """Prefixes that prompts begin with, so that a prefix cache finds them again."""

    count: Annotated[int, Meta(ge=1, le=MAX_LENGTH)]
    """How many different prefixes there are."""
    length: Length
    """Tokens of each."""
    hit_ratio: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Share of all input tokens that a cache of all prefixes would serve; None = each prompt begins with a prefix."""


Pool = Annotated[PrefixPool, Meta(extra_json_schema={"description": "a dict with count, length and hit_ratio"})]


class MixPart(Frozen, frozen=True, kw_only=True):
    """One kind of request in a mix."""

    input_len: Lengths
    output_len: Lengths | None = None
    """None = the service's `max_out_len`."""
    weight: Annotated[float, Meta(gt=0, le=1e9, extra_json_schema={"description": "a number above 0"})] = 1.0
    """Share of the requests, relative to the other parts."""


class SyntheticConfig(Frozen, frozen=True, kw_only=True, tag_field="type", tag="synthetic"):
    """Prompts made from a seed."""

    abbr: DirName = "synthetic"
    count: Count
    input_len: Lengths | None = None
    """Prompt length, tokens (words where there is no tokenizer); None = `mix` says it."""
    output_len: Lengths | None = None
    """Output tokens asked for; None = the service's `max_out_len`."""
    mix: Annotated[tuple[MixPart, ...], Meta(extra_json_schema={"description": "a list of dicts"})] = ()
    """Kinds of requests in the place of `input_len` and `output_len`."""
    seed: Seed = 0
    shared_prefix: Annotated[int, Meta(ge=0, le=MAX_LENGTH)] = 0
    """Tokens at the start that all prompts have in common."""
    prefix_pool: Pool | None = None
    with_chat_template: bool = False
    """Prompt lengths count what the model's chat template adds, too."""
    as_ids: bool = False
    """Send token ids in the place of text; for completions."""
    vocab_size: Length | None = None
    """With `as_ids` and no tokenizer: ids are below it."""

    def parts(self) -> tuple[MixPart, ...]:
        """The kinds of requests; one where there is no mix."""
        if self.mix or self.input_len is None:
            return self.mix
        return (MixPart(input_len=self.input_len, output_len=self.output_len),)


class JsonlConfig(Frozen, frozen=True, kw_only=True, tag_field="type", tag="jsonl"):
    """Finished prompts, read from a file with one JSON object a line."""

    abbr: DirName
    path: Text
    prompt_key: Text | None = None
    """None = the first of "prompt", "question", "messages" that the row has."""
    output_len_key: Text = "max_tokens"
    """The row's key for the output tokens asked for; a row may lack it."""
    count: Count | None = None
    """Rows to use from the start; None = all."""
    test_range: TestRange | None = None
    """Rows to use, before `count` is applied; None = all."""


class TemplateConfig(Frozen, frozen=True, kw_only=True, tag_field="type", tag="template"):
    """Rows of a JSONL, JSON or CSV file, put into a template."""

    abbr: DirName
    path: Text
    template: Template
    """`{name}` stands for the row's field of this name."""
    columns: Annotated[tuple[Text, ...], Meta(extra_json_schema={"description": "a list of names"})] = ()
    """Fields that each row must have."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Name in the template: the row's name for it, where the row lacks the first."""
    output_column: Text | None = None
    """The answer's field: it stands empty in the prompt."""
    output_len_key: Text = "max_tokens"
    test_range: TestRange | None = None


class CustomConfig(Frozen, frozen=True, kw_only=True, tag_field="type", tag="custom"):
    """Questions with or without options, from a JSONL or CSV file and its `.meta.json`."""

    abbr: DirName
    path: Text
    meta_path: Text | None = None
    """None = the file's name with ".meta.json" behind it, if there is such a file."""
    data_type: DataType | None = None
    """None = mcq where the first row has the options A and B, else qa."""
    template: Template | None = None
    """None = the one of the data type."""
    test_range: TestRange | None = None
    seed: Seed = 0
    """For the random choices that the meta file asks for."""


class ConversationConfig(Frozen, frozen=True, kw_only=True):
    """What the sets of conversations share."""

    abbr: DirName
    path: Text
    infer_mode: InferMode = "every"
    """every: each turn is sent, with the service's own replies as history; every_with_gt: with the set's replies;
    last: only the last turn, with the set's replies."""
    test_range: TestRange | None = None


class ShareGptConfig(ConversationConfig, frozen=True, kw_only=True, tag_field="type", tag="sharegpt"):
    """Conversations in the format of ShareGPT."""

    answer_lengths: bool = False
    """Ask each turn for as many tokens as the set's reply has; needs a tokenizer."""
    shuffle: bool = False
    seed: Seed = 0
    """For `shuffle`."""


class MtBenchConfig(ConversationConfig, frozen=True, kw_only=True, tag_field="type", tag="mtbench"):
    """Conversations in the format of MT-Bench."""


class MooncakeConfig(Frozen, frozen=True, kw_only=True, tag_field="type", tag="mooncake"):
    """A trace of a real service: when requests came, how long they were, which blocks they shared."""

    abbr: DirName
    path: Text
    random_seed: Seed | None = None
    """None = 0."""
    fixed_schedule_auto_offset: bool = False
    """Shift the times so that the least is 0."""
    fixed_schedule_start_offset: Annotated[int, Meta(ge=0)] = 0
    """Least time to keep, ms, after the shift."""
    fixed_schedule_end_offset: Annotated[int, Meta(ge=-1)] = -1
    """Greatest time to keep, ms, after the shift; -1 = no end."""
    generated_prompts_path: str = ""
    """Not used: prompts are made when they are sent, faster than a file of them is read."""
    test_range: TestRange | None = None


FileConfig = JsonlConfig | TemplateConfig | CustomConfig | ShareGptConfig | MtBenchConfig | MooncakeConfig
DatasetConfig = SyntheticConfig | FileConfig
DATASETS: dict[str, type[Any]] = {
    "synthetic": SyntheticConfig,
    "jsonl": JsonlConfig,
    "template": TemplateConfig,
    "custom": CustomConfig,
    "sharegpt": ShareGptConfig,
    "mtbench": MtBenchConfig,
    "mooncake": MooncakeConfig,
}
"""Name in a config: its struct."""
