# cython: language_level=3
"""The metrics page in Prometheus' text format, with vLLM's names, from the mock's real state. Without the GIL.

Only the counters of a prefix cache and of speculative decoding are made up: from the tokens, by the shares asked for.
"""

from libc.stdint cimport int64_t
from libc.stdio cimport snprintf

from fastbench.mock.replies.answers cimport put_answer
from fastbench.mock.types cimport Buffer

cdef enum:
    DRAFTED = 2             # tokens of a draft
    PAGE_SIZE = 16384       # enough for every line with the longest name of a model


cdef struct Page:
    char text[PAGE_SIZE]
    size_t size


cdef void metric(
    Page* page, const char* kind, const char* name, const char* model, const char* more, double value
) noexcept nogil:
    """One line, with its type before it unless `kind` is empty. more: further labels, each with its comma."""
    if kind[0]:
        page.size += snprintf(
            page.text + page.size, PAGE_SIZE - page.size, b"# TYPE vllm:%s %s\n", name, kind
        )
    page.size += snprintf(
        page.text + page.size, PAGE_SIZE - page.size,
        b'vllm:%s{%smodel_name="%.256s"} %.15g\n', name, more, model, value,
    )


cdef void put_spec_decode(Page* page, const char* model, int64_t tokens, double accept) noexcept nogil:
    """Each draft gives one token of the large model's own and those of its `DRAFTED` that were accepted."""
    cdef int64_t drafts = <int64_t> (<double> tokens / (1 + DRAFTED * accept))
    cdef int64_t accepted = <int64_t> (DRAFTED * accept * <double> drafts)
    cdef int64_t first = min(drafts, <int64_t> (<double> accepted / (1 + accept)))
    metric(page, b"counter", b"spec_decode_num_drafts_total", model, b"", <double> drafts)
    metric(page, b"counter", b"spec_decode_num_draft_tokens_total", model, b"", <double> (DRAFTED * drafts))
    metric(page, b"counter", b"spec_decode_num_accepted_tokens_total", model, b"", <double> accepted)
    metric(
        page, b"counter", b"spec_decode_num_accepted_tokens_per_pos_total", model, b'position="0",', <double> first
    )
    metric(
        page, b"", b"spec_decode_num_accepted_tokens_per_pos_total", model, b'position="1",',
        <double> (accepted - first),
    )


cdef bint put_metrics(
    Buffer* out, const char* model, const Counters* counters, const State* state, bint close
) noexcept nogil:
    """The whole answer. model: escaped for a label's value."""
    cdef Page page
    cdef double used = 0
    cdef int64_t hits
    page.size = 0
    if state.seats:
        used = <double> state.running / <double> state.seats     # seats are all the room that the mock has
    metric(&page, b"gauge", b"num_requests_running", model, b"", <double> state.running)
    metric(&page, b"gauge", b"num_requests_waiting", model, b"", <double> state.waiting)
    metric(&page, b"gauge", b"kv_cache_usage_perc", model, b"", used)
    metric(&page, b"counter", b"num_preemptions_total", model, b"", 0)
    metric(&page, b"counter", b"prompt_tokens_total", model, b"", <double> counters.prompt_tokens)
    metric(&page, b"counter", b"generation_tokens_total", model, b"", <double> counters.generation_tokens)
    metric(&page, b"counter", b"request_success_total", model, b'finished_reason="stop",', <double> counters.stopped)
    metric(&page, b"", b"request_success_total", model, b'finished_reason="length",', <double> counters.reached_length)
    metric(&page, b"", b"request_success_total", model, b'finished_reason="abort",', <double> counters.aborted)
    if state.prefix_hits >= 0:
        hits = <int64_t> (state.prefix_hits * <double> counters.prompt_tokens)
        metric(&page, b"counter", b"prefix_cache_queries_total", model, b"", <double> counters.prompt_tokens)
        metric(&page, b"counter", b"prefix_cache_hits_total", model, b"", <double> hits)
    if state.spec_accept >= 0:
        put_spec_decode(&page, model, counters.generation_tokens, state.spec_accept)
    return put_answer(
        out, 200, b"text/plain; version=0.0.4; charset=utf-8", b"", page.text, page.size, close
    )
