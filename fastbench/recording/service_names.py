"""What inference services call the figures of their Prometheus pages that a recording keeps.

Sources: vLLM's "Production Metrics" (docs.vllm.ai/en/stable/usage/metrics, and /en/v0.7.0/serving/metrics.html for the
V0 engine), SGLang's "Production Metrics" (docs.sglang.io/references/production_metrics.html), "Metrics" of
text-generation-inference (huggingface.co/docs/text-generation-inference/reference/metrics).
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Figure(NamedTuple):
    """One figure. names: as the services write it; the first one that a page has counts, as some pages have an old
    name beside the new one. is_share: the series of several engines are averaged; otherwise they are added up."""

    names: tuple[str, ...]
    is_share: bool = False


FIGURES: Final[dict[str, Figure]] = {
    "requests_running": Figure(("vllm:num_requests_running", "sglang:num_running_reqs", "tgi_batch_current_size")),
    "requests_waiting": Figure(("vllm:num_requests_waiting", "sglang:num_queue_reqs", "tgi_queue_size")),
    "kv_cache_use": Figure(("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "sglang:token_usage"), True),
    "prefix_cache_queries": Figure(
        ("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total", "sglang:prompt_tokens_total")
    ),
    "prefix_cache_hits": Figure(
        ("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total", "sglang:cached_tokens_total")
    ),
    "prefix_cache_hit_rate": Figure(("vllm:gpu_prefix_cache_hit_rate", "sglang:cache_hit_rate"), True),
    "preemptions": Figure(("vllm:num_preemptions_total", "sglang:num_retracted_requests_total")),
    "generated_tokens": Figure(
        ("vllm:generation_tokens_total", "sglang:generation_tokens_total", "tgi_request_generated_tokens_sum")
    ),
    "spec_drafts": Figure(("vllm:spec_decode_num_drafts_total",)),
    "spec_draft_tokens": Figure(("vllm:spec_decode_num_draft_tokens_total",)),
    "spec_accepted_tokens": Figure(("vllm:spec_decode_num_accepted_tokens_total",)),
    "spec_accepted_at": Figure(("vllm:spec_decode_num_accepted_tokens_per_pos_total",)),
}
"""In tokens: prefix_cache_*, generated_tokens, spec_*_tokens; `spec_accepted_at` by the label "position"."""
POSITION: Final = "position"
KEPT: Final = frozenset(name for figure in FIGURES.values() for name in figure.names)
"""Every name that is recorded."""
