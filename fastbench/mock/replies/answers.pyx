# cython: language_level=3
"""Whole answers that are no completion, and errors worded as vLLM words them. Without the GIL."""

from fastbench.mock.replies.wire cimport append, reserve
from fastbench.mock.types cimport Ask, BODY_JSON, BODY_MISSING, BODY_RANGE, Buffer, has_parameters
from libc.stdint cimport int64_t
from libc.stdio cimport snprintf
from libc.string cimport strlen


cdef const char* reason_of(int status) noexcept nogil:
    if status == 200:
        return b"OK"
    if status == 400:
        return b"Bad Request"
    if status == 404:
        return b"Not Found"
    if status == 405:
        return b"Method Not Allowed"
    if status == 411:
        return b"Length Required"
    if status == 413:
        return b"Content Too Large"
    if status == 429:
        return b"Too Many Requests"
    if status == 500:
        return b"Internal Server Error"
    if status == 503:
        return b"Service Unavailable"
    return b"Error"


cdef const char* type_of(int status) noexcept nogil:
    """The error type that vLLM gives with a status."""
    if status == 404:
        return b"NotFoundError"
    if status >= 500:
        return b"InternalServerError"
    if status == 400:
        return b"BadRequestError"
    return reason_of(status)


cdef bint put_answer(
    Buffer* out, int status, const char* kind, const char* more, const char* body, size_t size, bint close
) noexcept nogil:
    """A whole response. kind: content type; more: further header lines, each with its CRLF."""
    cdef const char* closing = b""
    if close:
        closing = b"connection: close\r\n"
    if not reserve(out, 512 + strlen(more) + size):
        return False
    out.size += snprintf(
        out.data + out.size, 512,
        b"HTTP/1.1 %d %s\r\nserver: fastbench-mock\r\ncontent-type: %s\r\ncontent-length: %zu\r\n%s",
        status, reason_of(status), kind, size, closing,
    )
    append(out, more, strlen(more))
    append(out, b"\r\n", 2)
    return append(out, body, size)


cdef const char* tgi_type_of(int status) noexcept nogil:
    """The error type that TGI gives with a status."""
    if status == 429:
        return b"overloaded"
    return b"generation" if status >= 500 else b"validation"


cdef bint put_error(
    Buffer* out, int status, const char* message, const char* param, int dialect, bint close
) noexcept nogil:
    """A JSON error answer. message: escaped for JSON, at most 1 KiB is used; param: the field's name or NULL."""
    cdef char body[1536]
    cdef const char* quote = b'"'
    cdef const char* more = b""
    cdef int size
    if param == NULL:
        quote = b""
        param = b"null"
    if has_parameters(dialect):
        size = snprintf(
            body, sizeof(body), b'{"error":"%.1024s","error_type":"%s"}', message, tgi_type_of(status),
        )
    else:
        size = snprintf(
            body, sizeof(body), b'{"error":{"message":"%.1024s","type":"%s","param":%s%s%s,"code":%d}}',
            message, type_of(status), quote, param, quote, status,
        )
    if status == 429:
        more = b"retry-after: 1\r\n"
    elif status == 405:
        more = b"allow: GET, POST\r\n"
    return put_answer(out, status, b"application/json", more, body, size, close)


cdef bint put_body_error(Buffer* out, int error, const Ask* ask, int dialect, bint close) noexcept nogil:
    """The answer to a body that cannot be served."""
    cdef char message[256]
    if error == BODY_JSON:
        snprintf(message, sizeof(message), b"1 validation error: JSON decode error at byte %zu", ask.offset)
        return put_error(out, 400, message, b"body", dialect, close)
    if error == BODY_MISSING:
        snprintf(message, sizeof(message), b"1 validation error: field required: %s", ask.param)
    elif error == BODY_RANGE:
        snprintf(message, sizeof(message), b"%s is out of range.", ask.param)
    else:
        snprintf(message, sizeof(message), b"1 validation error: %s has the wrong type", ask.param)
    return put_error(out, 400, message, ask.param, dialect, close)


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
    if state.prefix_hits >= 0 or state.caches:
        hits = counters.cached_tokens
        if not state.caches:
            hits = <int64_t> (state.prefix_hits * <double> counters.prompt_tokens)
        metric(&page, b"counter", b"prefix_cache_queries_total", model, b"", <double> counters.prompt_tokens)
        metric(&page, b"counter", b"prefix_cache_hits_total", model, b"", <double> hits)
    if state.spec_accept >= 0:
        put_spec_decode(&page, model, counters.generation_tokens, state.spec_accept)
    return put_answer(
        out, 200, b"text/plain; version=0.0.4; charset=utf-8", b"", page.text, page.size, close
    )
