"""The settings of one service under test: names, types, defaults, ranges. `service.py` makes them."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, Self

from msgspec import Meta, field
from msgspec.structs import replace

from fastbench.config.fields.check import DirName, Frozen, Length, check_fields
from fastbench.config.fields.issues import Issues
from fastbench.registry import DIALECTS
from fastbench.units import NS_PER_S, Duration, Rate

_Rps = Annotated[float, Meta(ge=0, le=64_000)]
_Strategy = Annotated[
    Literal["linear", "exponential"],
    Meta(extra_json_schema={"description": '"linear" or "exponential"'}),
]


class TrafficConfig(Frozen, frozen=True, kw_only=True):
    """Spacing and growth of the request rate; rates in requests per second."""

    burstiness: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    """Shape of the gamma distribution of intervals: 0 = constant, 1 = Poisson, below 1 burstier, above 1 more even."""
    ramp_up_strategy: _Strategy | None = None
    ramp_up_start_rps: _Rps | None = None
    ramp_up_end_rps: _Rps | None = None

    @property
    def ramp(self) -> tuple[float, float] | None:
        """The rates at its start and end; None = no ramp, which AISBench also means by start = 0, an end of at
        most 0.1 or an end below the start."""
        start, end = self.ramp_up_start_rps or 0.0, self.ramp_up_end_rps or 0.0
        return (start, end) if self.ramp_up_strategy and start > 0 and end > 0.1 and end >= start else None


def build_traffic(raw: object, path: str, issues: Issues) -> TrafficConfig:
    """The shape that `raw` describes, its faults added to `issues`. None and "" leave a field as if not given."""
    if raw is None or isinstance(raw, TrafficConfig):
        return raw or TrafficConfig()
    if not isinstance(raw, Mapping):
        issues.wrong(path, raw, "a dict of settings")
        return TrafficConfig()
    names = TrafficConfig.__struct_fields__
    given = {name: value for name, value in raw.items() if name not in names or value not in (None, "")}
    return TrafficConfig(**check_fields(TrafficConfig, given, path, issues))


DialectName = Annotated[str, Meta(extra_json_schema={"description": "the name of a dialect"})]

TAKES_TOKEN_IDS = "openai_completions"
"""The type of service to use for prompts of token ids."""
ADAPTERS = "lora_data_map_file"
STREAM_OPTIONS = "stream_options"
"""The field by which OpenAI services are asked for usage in a stream."""
REPEATS = "num_return_sequences"


class ServiceConfig(Frozen, frozen=True, kw_only=True):
    """One service under test: address, API, load limits.

    Differs from AISBench's dicts in three points: `stream` is True unless said otherwise; `retry` counts the attempts
    after the first one; `host_ip` may be a DNS name.
    """

    type: DialectName
    """One of `DIALECTS`, never an alias."""
    attr: Annotated[Literal["service"], Meta(extra_json_schema={"description": '"service"'})] = "service"
    abbr: DirName
    """Name of the result directory; unique among the models of a run."""
    path: str = ""
    """tokenizer.json, or the directory that holds it; "" = no tokenizer."""
    model: str = ""
    """"" = the first one that `GET /v1/models` names, for the dialects whose requests name a model."""
    model_name: str = ""
    """The model's name in the path, for triton_generate; "" = that of `model`."""
    stream: bool = True
    request_rate: Rate = Rate(0)
    """Requests per second in an open loop; 0 = closed loop."""
    use_timestamp: bool = False
    """Send each sample at its own time stamp, instead of by request_rate and traffic_cfg."""
    traffic_cfg: TrafficConfig = TrafficConfig()
    retry: Annotated[int, Meta(ge=0, le=1000)] = 2
    """Retries, for failures before any byte of the response."""
    api_key: str = ""
    """The key, or where it is: "env:NAME" or "$NAME"."""
    host_ip: str = "localhost"
    host_port: Annotated[int, Meta(ge=1, le=65535)] = 8080
    url: str = ""
    """Base URL; replaces host_ip, host_port and enable_ssl."""
    enable_ssl: bool = False
    ca_file: str = ""
    """PEM file of the certificates to verify the service's by; "" = the system's."""
    client_cert: str = ""
    """PEM file of the certificate that the client shows; "" = none."""
    client_key: str = ""
    """PEM file of its key, not encrypted; "" = it is in client_cert."""
    insecure: bool = False
    """Do not verify the service's certificate. The report says so."""
    max_out_len: Length = 512
    """Output tokens asked for where the sample does not say."""
    length_field: Annotated[
        str, Meta(pattern=r"^(?:[A-Za-z]\w*)?$", extra_json_schema={"description": "the name of a field, or empty"})
    ] = ""
    """Name under which the output length goes out, such as "max_completion_tokens"; "" = the protocol's usual one."""
    batch_size: Annotated[int, Meta(ge=1, le=100_000)] = 1
    """The most requests in flight."""
    trust_remote_code: bool = False
    generation_kwargs: dict[str, Any] = field(default_factory=dict)
    """Sampling parameters, passed through unchanged, except `ADAPTERS` and `REPEATS`."""
    optional_kwargs: tuple[str, ...] = ()
    """Names of `generation_kwargs` to leave out if the service refuses them at the warm-up; a note reports it."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further request headers; a value may be "env:NAME" or "$NAME"."""
    request_id_header: str = "X-Request-Id"
    """The header for a request's id, a UUID; "none" or "" = left out."""
    request_timeout: Duration | None = Duration(600 * NS_PER_S)
    """Of one attempt, from its first byte sent to the end of the stream, ns; None = no limit."""
    total_timeout: Duration | None = None
    """Of a request, from when it goes out to its outcome, with all attempts, connecting and pauses; None = as long as
    they may take."""
    connect_timeout: Duration = Duration(10 * NS_PER_S)
    precise: bool = False
    """Spin until each send: at most 0.05 ms late, for more CPU."""
    mock: dict[str, Any] | None = None
    """Options of the simulated service to start for this run; None = the service runs already."""
    metrics_url: tuple[str, ...] = ()
    """Where the service's metrics pages are, several where it has several engines; () = its own /metrics."""
    reset_cache: str = "none"
    """How the service's prefix cache is emptied before each task: "auto" = vLLM's or SGLang's endpoint, or a URL to
    POST to; "none" = it is not."""
    save_text: bool = False
    """Keep the replies' text in the recording."""

    @property
    def id_header(self) -> str | None:
        """The header that carries a request's id; None = no header does."""
        return None if self.request_id_header.lower() in ("", "none") else self.request_id_header

    @property
    def parameters(self) -> dict[str, Any]:
        """The part of `generation_kwargs` that is sent."""
        return {name: value for name, value in self.generation_kwargs.items() if name not in (ADAPTERS, REPEATS)}

    @property
    def body_fields(self) -> tuple[str, ...]:
        """The fields of the body that not every service knows."""
        usage = self._usage_field
        given = [name for name, value in self.parameters.items() if (name, value) != (usage, None)]
        return tuple(dict.fromkeys((*given, *self._added)))

    @property
    def droppable(self) -> tuple[str, ...]:
        """The `body_fields` that the user did not set."""
        return (*(name for name in self.optional_kwargs if name in self.parameters), *self._added)

    @property
    def _usage_field(self) -> str | None:
        """The field by which a stream is asked for usage; None among the parameters leaves it out."""
        usage = DIALECTS.get(self.type).usage
        return None if usage is None else str(usage.name)

    @property
    def _added(self) -> tuple[str, ...]:
        """The fields that fastbench adds."""
        usage = self._usage_field
        return (usage,) if self.stream and usage is not None and usage not in self.generation_kwargs else ()

    def without(self, names: Collection[str]) -> Self:
        """The same service, whose requests have none of these fields."""
        kept = {name: value for name, value in self.generation_kwargs.items() if name not in names}
        usage = self._usage_field
        none = {} if usage is None or usage not in names else {usage: None}
        return replace(self, generation_kwargs={**kept, **none})

    @property
    def repeats(self) -> int:
        """How many times each prompt is sent."""
        return int(self.generation_kwargs.get(REPEATS, 1))
