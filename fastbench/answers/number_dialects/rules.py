"""The table of dialects: what each tool calls TTFT, TPOT, ITL, E2EL and throughput, and where its source says so.

Each was read in that tool's source at the commits named here. A recording has the moments of output events alone, so
what a tool makes of other events (a role, an empty piece, a usage record) stands in `unseen`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fastbench.answers.number_dialects.conventions import Statistic, linear, nearest_rank
from fastbench.answers.number_dialects.replies import (
    END,
    EVENT_GAPS,
    FIRST,
    LAST,
    SENT,
    TOKEN_GAPS,
    Count,
    Series,
    all_tokens,
    answer_tokens,
    between,
    first_answer,
    of_several_tokens,
    per_token,
)
from fastbench.metrics import Rows, Selection


@dataclass(frozen=True)
class Source:
    """A file in which a rule stands. commit: 40 hexadecimal digits."""

    repository: str
    path: str
    commit: str

    def __str__(self) -> str:
        return f"{self.repository}@{self.commit[:7]} {self.path}"


@dataclass(frozen=True)
class Rule:
    """A number of a tool. metric: fastbench's, beside which it stands; called: as the tool calls it; formula: in the
    tool's moments. average: the samples of its average, where those are others than the percentiles'."""

    metric: str
    called: str
    formula: str
    series: Series
    average: Series | None = None


Span = Callable[[Selection], int]
"""How long a run took, ns."""


@dataclass(frozen=True)
class NumberDialect:
    """All rules of a tool. span, spanned: how long its run takes, and in words. count, counted: whose tokens it counts.
    statistic: how it makes one of samples; rounded: what it does to a value in ms. percentiles: both in words. unseen:
    what a recording cannot show of it."""

    name: str
    sources: tuple[Source, ...]
    rules: tuple[Rule, ...]
    span: Span
    spanned: str
    counted: str
    unseen: str
    count: Count = all_tokens
    statistic: Statistic = linear
    rounded: Callable[[float], float] = float
    percentiles: str = "numpy's, linear"


def _longest(rows: Rows, end: str) -> int:
    return int(rows[end].max() - rows["sent_ns"].min()) if rows.size else 0


def _all_requests(selection: Selection) -> int:
    final = selection.final
    return _longest(final[(final["sent_ns"] > 0) & (final["end_ns"] > 0)], "end_ns")


def _successes(selection: Selection) -> int:
    return _longest(selection.ok, "end_ns")


def _to_last_output(selection: Selection) -> int:
    return _longest(selection.streamed if selection.is_stream else selection.ok, _last(selection))


def _last(selection: Selection) -> str:
    return "last_token_ns" if selection.is_stream else "end_ns"


def _to_hundredths(value_ms: float) -> float:
    return round(value_ms, 2)


def _to_tenths(value_ms: float) -> float:
    # As the tool has it: seconds with 4 decimals, then ms.
    return float(np.round(round(value_ms / 1_000, 4) * 1_000, 4))


_USAGE = "`usage`, else its own tokenizer"
_OWN = "its own tokenizer's count of the text; here the recording's"
_EVERY_EVENT = "it times every event, also one with a role, an empty piece, a finish reason alone"
_BEFORE = "its clock starts before it has a connection, a recording's at the first byte sent"
_OF_EVENTS = "gap before each output event, all replies together, once an event"

_VLLM = "vllm-project/vllm"
_SGLANG = "sgl-project/sglang"
_GENAI_PERF = "triton-inference-server/perf_analyzer"
_AIPERF = "ai-dynamo/aiperf"
_GUIDELLM = "vllm-project/guidellm"
_EVALSCOPE = "modelscope/evalscope"
_INFERENCE_PERF = "kubernetes-sigs/inference-perf"
_AISBENCH = "AISBench/benchmark"

_TTFT = Rule("TTFT", "TTFT", "first output event - request sent", between(SENT, FIRST))

_ALL = (
    NumberDialect(
        "vllm",
        (
            Source(_VLLM, "vllm/benchmarks/lib/endpoint_request_func.py", "02cfb534df5674737558730b10f23d1b7aef9b7c"),
            Source(_VLLM, "vllm/benchmarks/serve.py", "009e6d4a1cd6ba3fb2a9fc00f4ec06f5297232a1"),
        ),
        (
            _TTFT,
            Rule(
                *("TPOT", "TPOT", "(last output event - first) / (tokens - 1), replies of 2 tokens and more"),
                per_token(FIRST, LAST),
            ),
            Rule("ITL", "ITL", _OF_EVENTS, EVENT_GAPS),
            Rule("E2EL", "E2EL", "last output event - request sent", between(SENT, LAST)),
        ),
        _all_requests,
        "from the first request sent to the end of the last, failed ones too",
        _USAGE,
        f"{_EVERY_EVENT}; {_BEFORE}; releases of 2025 end at the usage event",
    ),
    NumberDialect(
        "sglang",
        (Source(_SGLANG, "python/sglang/benchmark/serving.py", "00f9ec472ffef82714c0407b842ccb5bd254d130"),),
        (
            _TTFT,
            Rule(
                *("TPOT", "TPOT", "([DONE] - first output event) / (tokens - 1), replies of 2 tokens and more"),
                per_token(FIRST, END),
            ),
            Rule("ITL", "ITL", _OF_EVENTS, EVENT_GAPS),
            Rule("E2EL", "E2E Latency", "[DONE] - request sent", between(SENT, END)),
        ),
        _all_requests,
        "from the first request sent to the end of the last, failed ones too",
        "`usage`, else the length asked for",
        "where the server says that it speculates, its tokenizer counts the tokens of each event, which share its gap; "
        f"{_BEFORE}",
    ),
    NumberDialect(
        "genai-perf",
        (
            Source(
                *(_GENAI_PERF, "genai-perf/genai_perf/profile_data_parser/llm_profile_data_parser.py"),
                "00168fe73c03c54193c0ccf451ae44ed31e9a356",
            ),
            Source(
                *(_GENAI_PERF, "genai-perf/genai_perf/metrics/statistics.py"),
                "0518df11a864f8a9c2298b7447d4aebb4d8323d5",
            ),
        ),
        (
            Rule(
                *("TTFT", "Time To First Token", "first event with answer text - request sent"),
                between(SENT, first_answer),
            ),
            Rule(
                *("ITL", "Inter Token Latency"),
                "(last output event - first with answer text) / (tokens - 1), whole ns, once a reply",
                per_token(first_answer, LAST, answer_tokens, whole_ns=True),
            ),
            Rule("E2EL", "Request Latency", "last output event - request sent", between(SENT, LAST)),
        ),
        _to_last_output,
        "from the first request sent to the last output event",
        _OWN,
        "events that came in one read count as one; requests outside its measuring window are left out; it stops at an "
        "error",
        count=answer_tokens,
    ),
    NumberDialect(
        "aiperf",
        (
            Source(_AIPERF, "src/aiperf/metrics/types/ttft_metric.py", "58028d5ba1cb33b0e135e18f1cc8833556a3639e"),
            Source(
                *(_AIPERF, "src/aiperf/metrics/types/inter_token_latency_metric.py"),
                "58dd5dea729ceece71b0afbea12994030bf70d8b",
            ),
            Source(
                *(_AIPERF, "src/aiperf/metrics/types/inter_chunk_latency_metric.py"),
                "58028d5ba1cb33b0e135e18f1cc8833556a3639e",
            ),
            Source(
                *(_AIPERF, "src/aiperf/metrics/types/request_latency_metric.py"),
                "4f7ccffdf9641d884461671f3790dc700c814d27",
            ),
            Source(
                *(_AIPERF, "aiperf/metrics/types/benchmark_duration_metric.py"),
                "02402e8f77b49da6985fce5673db3211e5f5fbe2",
            ),
            Source(_AIPERF, "src/aiperf/metrics/metric_dicts.py", "0fec57a67268df14c2988dcd73df7d28c675e1f4"),
        ),
        (
            Rule("TTFT", "Time to First Token", "first output event - request sent", between(SENT, FIRST)),
            Rule(
                *("ITL", "Inter Token Latency"),
                "(last output event - first) / (tokens - 1), once a reply of 2 tokens and more",
                per_token(FIRST, LAST),
            ),
            Rule("ITL", "Inter Chunk Latency", _OF_EVENTS, EVENT_GAPS),
            Rule("E2EL", "Request Latency", "last output event - request sent", between(SENT, LAST)),
        ),
        _to_last_output,
        "from the first successful request sent to the last output event",
        "its own tokenizer's count, with --use-server-token-count `usage`; here the recording's",
        "with --per-chunk-usage the first event's own tokens are taken off instead of 1; its adj_* rows count failed "
        "requests as endless and are not here",
    ),
    NumberDialect(
        "guidellm",
        (
            Source(
                *(_GUIDELLM, "src/guidellm/schemas/base/request_stats.py"),
                "31c74ea27242845e7bebcc19f9f0469722329ba1",
            ),
            Source(
                *(_GUIDELLM, "src/guidellm/benchmark/schemas/metrics.py"),
                "1a145a40306de0b70cadff08ffebdf59adf032bb",
            ),
            Source(_GUIDELLM, "src/guidellm/schemas/base/statistics.py", "028046751ac642878282ba91403a28d5d13204b2"),
            Source(
                *(_GUIDELLM, "src/guidellm/benchmark/schemas/accumulator.py"),
                "1d15f09397d1a5ed8e0363444fb750eea6a72049",
            ),
        ),
        (
            _TTFT,
            Rule(
                *("TPOT", "TPOT", "(last output event - request sent) / tokens, each reply as often as it has tokens"),
                per_token(SENT, LAST, less=0, weighted=True),
            ),
            Rule(
                *("ITL", "ITL"),
                "(last output event - first) / (tokens - 1), each reply as often as it has tokens, less 1",
                per_token(FIRST, LAST, weighted=True),
            ),
            Rule("E2EL", "Request Latency", "[DONE] - request sent", between(SENT, END)),
        ),
        _all_requests,
        "from the first request sent to the end of the last, failed ones too; the mean of its rates",
        "`usage`, else the number of output events",
        "replies in its warm-up and cool-down are left out",
        statistic=nearest_rank,
        percentiles="the least sample at or above the share of the weight",
    ),
    NumberDialect(
        "evalscope",
        (
            Source(
                *(_EVALSCOPE, "evalscope/perf/plugin/api/default_api.py"),
                "3f081eb6e793dc7159217354eae843b0a1c0f984",
            ),
            Source(*(_EVALSCOPE, "evalscope/perf/utils/benchmark_util.py"), "07dc32fa596e1f1230f106329957bc61bf2e02f7"),
            Source(_EVALSCOPE, "evalscope/perf/utils/db_util.py", "01ee08c942351260a9714ceae44d522bb9055b20"),
        ),
        (
            _TTFT,
            Rule(
                *("TPOT", "TPOT"),
                "(last event - first output event) / (tokens - 1); in the average a reply of 1 token counts as 0",
                per_token(FIRST, END),
                average=per_token(FIRST, END, of_one_token=True),
            ),
            Rule("ITL", "ITL", _OF_EVENTS, EVENT_GAPS),
            Rule("E2EL", "Latency", "last event, usage too - request sent", between(SENT, END)),
        ),
        _successes,
        "from the first request sent to the last event of a successful one",
        _USAGE,
        f"{_EVERY_EVENT} (later versions those with output alone); its last event is taken to be [DONE]; {_BEFORE}",
        statistic=nearest_rank,
        rounded=_to_hundredths,
        percentiles="the sample of rank ceil(share x number); all rounded to 0.01 ms",
    ),
    NumberDialect(
        "inference-perf",
        (
            Source(*(_INFERENCE_PERF, "inference_perf/reportgen/base.py"), "010d12fb62cc3157b6bd228ef93dd865c7a05194"),
            Source(
                *(_INFERENCE_PERF, "inference_perf/apis/streaming_parser.py"),
                "35d21d64c3ea6d54174e2743ac5de36c8c463a8c",
            ),
        ),
        (
            Rule(
                *("TTFT", "time_to_first_token"),
                "first output event - request sent, of replies whose events hold 2 tokens and more",
                of_several_tokens(between(SENT, FIRST)),
            ),
            Rule(
                *("TPOT", "time_per_output_token"),
                "(last output event - first) / (tokens - 1), of the same replies",
                of_several_tokens(per_token(FIRST, LAST)),
            ),
            Rule(
                *("ITL", "inter_token_latency"),
                "gap before each token, all replies together; further tokens of an event come after 0",
                TOKEN_GAPS,
            ),
            Rule("E2EL", "request_latency", "end of the reply - request sent", between(SENT, END)),
        ),
        _all_requests,
        "from the first request sent to the end of the last, failed ones too",
        "its own tokenizer's count, or `usage`; here the recording's",
        "an event's tokens are its tokenizer's count of the text; here what the service says of it, else 1",
    ),
    NumberDialect(
        "aisbench",
        (
            Source(
                *(_AISBENCH, "ais_bench/benchmark/models/api_models/base_api.py"),
                "11018b33faed37d586e036f3e534e9718df5ad87",
            ),
            Source(
                *(_AISBENCH, "ais_bench/benchmark/summarizers/default_perf.py"),
                "2a92ffd1b61d8bb00300df585d7559ba94b68be7",
            ),
            Source(
                *(_AISBENCH, "ais_bench/benchmark/calculators/base_perf_metric_calculator.py"),
                "ac79ad77b1f84fbb608c8d416500aa7c28130d44",
            ),
        ),
        (
            _TTFT,
            Rule(
                *("TPOT", "TPOT", "(last event - first output event) / (tokens - 1); a reply of 1 token counts as 0"),
                per_token(FIRST, END, of_one_token=True),
            ),
            Rule("ITL", "ITL", _OF_EVENTS, EVENT_GAPS),
            Rule("E2EL", "E2EL", "last event, usage too - request sent", between(SENT, END)),
        ),
        _successes,
        "from the first request sent to the last event of a successful one",
        _USAGE,
        f"{_EVERY_EVENT}, a usage record; its last event is taken to be [DONE]",
        rounded=_to_tenths,
        percentiles="numpy's, linear; all rounded to 0.1 ms",
    ),
)

NUMBER_DIALECTS = {dialect.name: dialect for dialect in _ALL}
"""By name, in the order in which they are shown."""
