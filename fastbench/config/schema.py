"""The settings of a run as frozen structs: names, types, defaults, ranges. `build.py` makes them."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from fastbench.units import NS_PER_S, Duration, Rate

MAX_LENGTH = 2**20
MAX_COUNT = 2**31 - 1

Text = Annotated[str, Meta(min_length=1, extra_json_schema={"description": "text that is not empty"})]
DirName = Annotated[
    str,
    Meta(
        pattern=r"^(?!\.{1,2}$)[^/\\\x00-\x1f]{1,200}$",
        extra_json_schema={"description": "a name fit for a directory: no slash, at most 200 characters"},
    ),
]
Length = Annotated[int, Meta(ge=1, le=MAX_LENGTH)]
Count = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Backend = Annotated[
    Literal["openai_chat", "openai_completions"],
    Meta(extra_json_schema={"description": '"openai_chat" or "openai_completions"'}),
]


class Frozen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all settings share: no change after the check, no unknown names."""


class ServiceConfig(Frozen, frozen=True, kw_only=True):
    """One service under test: where it is, how it is spoken to, how hard it is driven.

    Differs from the guide's dicts in three points: `stream` is True unless said otherwise; `retry` counts the
    attempts after the first one; `host_ip` may be a DNS name.
    """

    type: Backend
    attr: Annotated[Literal["service"], Meta(extra_json_schema={"description": '"service"'})] = "service"
    abbr: DirName
    """Name of the result directory; unique among the models of a run."""
    path: str = ""
    """tokenizer.json, or the directory that holds it; "" = no tokenizer."""
    model: str = ""
    """"" = the first one that `GET /v1/models` names."""
    stream: bool = True
    request_rate: Rate = Rate(0)
    """Requests per second in an open loop; 0 = closed loop."""
    use_timestamp: bool = False
    retry: Annotated[int, Meta(ge=0, le=1000)] = 2
    """Attempts after the first, for failures before any byte of the response."""
    api_key: str = ""
    """The key, or where it is: "env:NAME" or "$NAME"."""
    host_ip: str = "localhost"
    host_port: Annotated[int, Meta(ge=1, le=65535)] = 8080
    url: str = ""
    """Base URL; replaces host_ip, host_port and enable_ssl."""
    enable_ssl: bool = False
    max_out_len: Length = 512
    """Output tokens asked for where the sample does not say."""
    batch_size: Annotated[int, Meta(ge=1, le=100_000)] = 1
    """The most requests in flight."""
    trust_remote_code: bool = False
    generation_kwargs: dict[str, Any] = {}
    """Sampling parameters, sent with each request as they are."""
    headers: dict[str, str] = {}
    """Further request headers; a value may be "env:NAME" or "$NAME"."""
    request_timeout: Duration | None = Duration(600 * NS_PER_S)
    """From the first byte sent to the end of the stream, ns; None = no limit."""
    connect_timeout: Duration = Duration(10 * NS_PER_S)
    precise: bool = False
    """Spin to each intended time: later by 0.05 ms at most, for more CPU."""
    mock: dict[str, Any] | None = None
    """Options of the simulated service to start for this run; None = the service runs already."""
    save_text: bool = False
    """Keep the replies' text in the recording."""


class Uniform(Frozen, frozen=True, kw_only=True, tag="uniform"):
    """Whole numbers from `low` to `high`, both included."""

    low: Length
    high: Length


class SyntheticConfig(Frozen, frozen=True, kw_only=True, tag_field="type", tag="synthetic"):
    """Prompts made from a seed."""

    abbr: DirName = "synthetic"
    count: Count
    input_len: Uniform
    """Prompt length, tokens (words where there is no tokenizer)."""
    output_len: Uniform | None = None
    """Output tokens asked for; None = the service's `max_out_len`."""
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    shared_prefix: Annotated[int, Meta(ge=0, le=MAX_LENGTH)] = 0
    """Tokens at the start that all prompts have in common."""


class JsonlConfig(Frozen, frozen=True, kw_only=True, tag_field="type", tag="jsonl"):
    """Prompts read from a file with one JSON object a line."""

    abbr: DirName
    path: Text
    prompt_key: Text | None = None
    """None = the first of "prompt", "question", "messages" that the row has."""
    output_len_key: Text = "max_tokens"
    """The row's key for the output tokens asked for; a row may lack it."""
    count: Count | None = None
    """Rows to use from the start; None = all."""


DatasetConfig = SyntheticConfig | JsonlConfig
DATASETS: dict[str, type[SyntheticConfig] | type[JsonlConfig]] = {
    "synthetic": SyntheticConfig,
    "jsonl": JsonlConfig,
}
