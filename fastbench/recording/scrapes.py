"""Scrapes of the service's metrics page.

`FIGURES` has the names that inference services give to the recorded figures of their Prometheus pages. Sources: vLLM's
"Production Metrics" (docs.vllm.ai/en/stable/usage/metrics, and /en/v0.7.0/serving/metrics.html for the V0 engine),
SGLang's "Production Metrics" (docs.sglang.io/references/production_metrics.html), "Metrics" of
text-generation-inference (huggingface.co/docs/text-generation-inference/reference/metrics), llama.cpp
(tools/server/README.md, `GET /metrics`), TensorRT-LLM's trtllm-serve and its backend for Triton (the model server
protocol of the gateway API inference extension; custom_metrics_reporter.cc), Triton's "Metrics", Dynamo's frontend
(docs/observability/metrics.md), LMDeploy (lmdeploy/metrics/loggers.py), the routers of SGLang and vLLM
(src/metrics.rs), LiteLLM's "Prometheus metrics".
"""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple

import msgspec


class Figure(NamedTuple):
    """One figure. names: as the services write it, `name` or `name{label=value}` for the series with that label; the
    first one that a page has counts, as some pages have an old name beside the new one. So engines stand before what
    stands before them. is_share: the series of several engines are averaged; otherwise they are added up."""

    names: tuple[str, ...]
    is_share: bool = False


FIGURES: Final[dict[str, Figure]] = {
    "requests_running": Figure(
        (
            *("vllm:num_requests_running", "sglang:num_running_reqs", "tgi_batch_current_size"),
            *("llamacpp:requests_processing", "lmdeploy:num_requests_running", "trtllm_num_requests_running"),
            "nv_trt_llm_request_metrics{request_type=scheduled}",
            *("dynamo_frontend_inflight_requests", "sgl_router_running_requests", "vllm_router_running_requests"),
            "litellm_in_flight_requests",
        )
    ),
    "requests_waiting": Figure(
        (
            *("vllm:num_requests_waiting", "sglang:num_queue_reqs", "tgi_queue_size", "llamacpp:requests_deferred"),
            *("lmdeploy:num_requests_waiting", "trtllm_num_requests_waiting"),
            "nv_trt_llm_request_metrics{request_type=waiting}",
            *("nv_inference_pending_request_count", "dynamo_frontend_queued_requests"),
        )
    ),
    "kv_cache_use": Figure(
        (
            *("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "sglang:token_usage"),
            *("llamacpp:kv_cache_usage_ratio", "lmdeploy:gpu_cache_usage_perc", "trtllm_kv_cache_utilization"),
            "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=fraction}",
        ),
        True,
    ),
    "prefix_cache_queries": Figure(
        ("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total", "sglang:prompt_tokens_total")
    ),
    "prefix_cache_hits": Figure(
        ("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total", "sglang:cached_tokens_total")
    ),
    "prefix_cache_hit_rate": Figure(
        ("vllm:gpu_prefix_cache_hit_rate", "sglang:cache_hit_rate", "trtllm_kv_cache_hit_rate"), True
    ),
    "preemptions": Figure(("vllm:num_preemptions_total", "sglang:num_retracted_requests_total")),
    "generated_tokens": Figure(
        (
            *("vllm:generation_tokens_total", "sglang:generation_tokens_total", "tgi_request_generated_tokens_sum"),
            *("llamacpp:tokens_predicted_total", "lmdeploy:generation_tokens_total"),
            *("dynamo_frontend_output_tokens_total", "litellm_output_tokens_metric_total"),
        )
    ),
    "spec_drafts": Figure(("vllm:spec_decode_num_drafts_total",)),
    "spec_draft_tokens": Figure(("vllm:spec_decode_num_draft_tokens_total",)),
    "spec_accepted_tokens": Figure(("vllm:spec_decode_num_accepted_tokens_total",)),
    "spec_accepted_at": Figure(("vllm:spec_decode_num_accepted_tokens_per_pos_total",)),
}
"""In tokens: prefix_cache_*, generated_tokens, spec_*_tokens; `spec_accepted_at` by the label "position"."""
POSITION: Final = "position"
KEPT: Final = frozenset(name.partition("{")[0] for figure in FIGURES.values() for name in figure.names)
"""Every name that is recorded."""


class Series(msgspec.Struct, frozen=True, array_like=True):
    """One line of the page."""

    name: str
    labels: dict[str, str]
    value: float


class Scrape(msgspec.Struct, frozen=True):
    """One reading of the page, or of several pages at once. t_ns: when it was asked for; took_ns: until it was read.

    series: those of `KEPT` that it had. error: why it failed, None = it did not.
    """

    t_ns: Annotated[int, msgspec.Meta(ge=-(2**62), lt=2**62)] = 0
    took_ns: Annotated[int, msgspec.Meta(ge=0, lt=2**61)] = 0
    url: str = ""
    series: tuple[Series, ...] = ()
    error: str | None = None

    def of(self, figure: str) -> tuple[Series, ...]:
        """The series of one of `FIGURES`: those of its first name that the page had."""
        for name, label, value in map(_labelled, FIGURES[figure].names):
            found = tuple(
                series
                for series in self.series
                if series.name == name and (not label or series.labels.get(label) == value)
            )
            if found:
                return found
        return ()

    def value(self, figure: str) -> float | None:
        """One of `FIGURES`, over all engines; None where the page lacks it."""
        found = self.of(figure)
        if not found:
            return None
        total = sum(series.value for series in found)
        return total / len(found) if FIGURES[figure].is_share else total


def scrape_of(record: dict[str, Any], shift_ns: int = 0) -> Scrape:
    """The scrape in a block's JSON object, `shift_ns` later; one that failed where the object is none."""
    try:
        scrape = msgspec.convert(record, Scrape)
    except msgspec.ValidationError as error:
        return Scrape(error=f"its block cannot be read ({error})")
    return msgspec.structs.replace(scrape, t_ns=scrape.t_ns + shift_ns) if shift_ns else scrape


def _labelled(name: str) -> tuple[str, str, str]:
    """A name of a figure as the page has it, the label that its series have, and its value; "" and "" = any."""
    bare, _, label = name.rstrip("}").partition("{")
    key, _, value = label.partition("=")
    return bare, key, value
