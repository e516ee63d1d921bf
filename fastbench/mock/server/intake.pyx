# cython: language_level=3
"""From a whole request to what is to be done: a stream of tokens, or an answer at once. Without the GIL.

The n-th request that asks for a completion gets its id, words, lengths and fault from the seed and n.
"""

from libc.math cimport ceil, log1p
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport malloc
from libc.string cimport memcpy, memset

from fastbench.mock.replies.answers cimport put_answer, put_body_error, put_error
from fastbench.mock.requests.body cimport read_body
from fastbench.mock.server.engine cimport new_stream, unref
from fastbench.mock.requests.fault cimport read_fault
from fastbench.mock.requests.head cimport METHOD_GET, METHOD_POST
from fastbench.mock.requests.json cimport hex_value, spells
from fastbench.mock.requests.prefix cimport close_cache, forget, open_cache
from fastbench.mock.server.log cimport new_entry
from fastbench.mock.replies.answers cimport put_metrics
from fastbench.mock.server.system cimport CLOCK_REALTIME, clock_gettime, now_ns, real_offset_ns, timespec
from fastbench.mock.types cimport (
    BODY_OK, DIALECT_CHAT, DIALECT_MINDIE, DIALECT_NONE, DIALECT_TRITON, END_COMPLETE, FAULT_ERROR_EVENT, FAULT_HTML,
    FAULT_HTTP, FAULT_REFUSE_STREAM, ROUTE_HEALTH, ROUTE_MODELS, ROUTE_NONE, ROUTE_RESET, ROUTE_TGI_STREAM,
    ROUTE_TRITON_STREAM,
    Ask, Buffer, Conn, Fault, PrefixCache, Span, Stream, dialect_of, has_parameters, mix, unit,
)

cdef enum:
    DEFAULT_CHAT_TOKENS = 128
    DEFAULT_COMPLETION_TOKENS = 16
    DEFAULT_NEW_TOKENS = 20         # of the protocols with `parameters`
    LARGEST_REPLY = 16777216        # tokens of a reply that is not a stream

cdef const char* HTML = b"<html><body><h1>This is a proxy's page, not the service</h1></body></html>\n"
cdef size_t HTML_SIZE = 75


cdef void put_hex(char* at, uint64_t value) noexcept nogil:
    """Sixteen hex digits."""
    cdef const char* digits = b"0123456789abcdef"
    cdef int i
    for i in range(16):
        at[i] = digits[(value >> (60 - 4 * i)) & 15]


cdef int64_t default_tokens(int dialect) noexcept nogil:
    """Output tokens of a request that does not say."""
    if has_parameters(dialect):
        return DEFAULT_NEW_TOKENS
    return DEFAULT_CHAT_TOKENS if dialect == DIALECT_CHAT else DEFAULT_COMPLETION_TOKENS


cdef bint spells_in_url(const Span* part, const char* name, size_t name_size) noexcept nogil:
    """Whether a percent-encoded part of a path is `name`."""
    cdef const char* at = part.at
    cdef size_t i = 0, k = 0
    cdef int byte
    while i < part.size and k < name_size:
        byte = <unsigned char> at[i]
        i += 1
        if byte == b"%" and part.size - i >= 2:
            byte = hex_value(at[i]) * 16 + hex_value(at[i + 1])
            i += 2
        if byte != <unsigned char> name[k]:
            return False
        k += 1
    return i == part.size and k == name_size


cdef class Intake:
    """plan: a `plan.Plan`."""

    def __cinit__(self, Script script, Engine engine, plan):
        self.script = script
        self.engine = engine
        self.seed = plan.seed
        self.eos_rate = plan.eos_rate
        self.max_model_len = plan.max_model_len
        self.close_delimited = plan.close_delimited
        self.logging = plan.logging
        self.model = plan.model
        self.raw_model = plan.raw_model
        self.raw_text = self.raw_model
        self.raw_size = len(self.raw_model)
        self.models_body = plan.models_body
        self.model_text = self.model
        self.model_size = len(self.model)
        self.models_text = self.models_body
        self.models_size = len(self.models_body)
        self.state.seats = engine.max_seqs
        self.state.spec_accept = plan.spec_accept
        self.state.prefix_hits = plan.prefix_hits
        if not open_cache(&self.prefixes, plan.prefix_cache):
            raise MemoryError
        self.state.caches = plan.prefix_cache > 0
        total = 0.0
        for i, (kind, arg, share) in enumerate(plan.faults):
            total += share
            self.faults[i].kind = kind
            self.faults[i].arg = arg
            self.fault_limits[i] = total
            self.fault_count = i + 1

    def __dealloc__(self):
        close_cache(&self.prefixes)

    cdef Stream* take(self, Conn* conn, Buffer* out) noexcept nogil:
        """Takes the request that stands whole in `conn.input`.

        Returns its stream, held by the caller; one that has ended has its whole answer in `out`. Returns NULL when
        no completion was asked for and the answer is in `out` (an empty `out`: memory is out).
        """
        cdef int route = conn.head.route
        cdef int dialect = dialect_of(route)
        cdef bint completion = dialect != <int> DIALECT_NONE
        cdef bint close = conn.head.close
        cdef bint resets = route == ROUTE_RESET
        if route == ROUTE_NONE or (resets and self.prefixes.slots == NULL):
            put_error(out, 404, b"Not Found", NULL, dialect, close)
        elif conn.head.method != <int> (METHOD_POST if completion or resets else METHOD_GET):
            put_error(out, 405, b"Method Not Allowed", NULL, dialect, close)
        elif completion:
            return self.take_completion(conn, out, now_ns())
        elif resets:
            forget(&self.prefixes)
            put_answer(out, 200, b"text/plain", b"", b"", 0, close)
        elif route == ROUTE_HEALTH:
            put_answer(out, 200, b"text/plain", b"", b"", 0, close)
        elif route == ROUTE_MODELS:
            put_answer(out, 200, b"application/json", b"", self.models_text, self.models_size, close)
        else:
            self.answer_metrics(out, close)
        return NULL

    cdef void answer_metrics(self, Buffer* out, bint close) noexcept nogil:
        self.state.running = self.engine.running
        self.state.waiting = self.engine.waiting
        put_metrics(out, self.model_text, &self.counters, &self.state, close)

    cdef Stream* take_completion(self, Conn* conn, Buffer* out, int64_t now) noexcept nogil:
        cdef Ask ask
        cdef Fault fault
        cdef int dialect = dialect_of(conn.head.route)
        cdef int status
        cdef Stream* s
        memset(&fault, 0, sizeof(fault))
        self.requests += 1
        status = self.refuse(conn, &ask, dialect, &fault, out)
        if status:
            ask.choices = ask.prompts = 1
        s = new_stream(<int32_t> (ask.choices * ask.prompts))
        if s == NULL:
            out.size = 0
            return NULL
        s.fault = fault
        self.fill_stream(s, conn, &ask, now)
        if not self.open_entry(s, conn) or not self.script.start(s):
            out.size = 0
            unref(s)
            return NULL
        if status == 0:
            status = self.answer_fault(s, out)
        if status:
            s.status = status
            s.end = END_COMPLETE
        return s

    cdef int refuse(self, Conn* conn, Ask* ask, int dialect, Fault* fault, Buffer* out) noexcept nogil:
        """Puts an error into `out` and returns its status when the request is wrong, else 0."""
        cdef char message[512]
        cdef bint close = conn.head.close
        cdef PrefixCache* prefixes = &self.prefixes if self.prefixes.slots != NULL else NULL
        cdef int error = read_body(conn.input.data + conn.head.size, conn.head.body_size, dialect, ask, prefixes)
        cdef int64_t tokens
        cdef Span named
        if error != BODY_OK:
            put_body_error(out, error, ask, dialect, close)
            return 400
        if not self.choose_fault(conn, fault):
            put_error(out, 400, b"X-Mock-Fault is not a known KIND or KIND=NUMBER.", b"X-Mock-Fault", dialect, close)
            return 400
        named = ask.model
        if dialect == DIALECT_TRITON:
            named.at = conn.input.data + conn.head.model.offset
            named.size = conn.head.model.size
        if not self.is_model(&named, dialect):
            snprintf(
                message, sizeof(message), b"The model `%.*s` does not exist. Valid aliases: %.200s.",
                <int> (named.size if named.size <= 200 else 0), named.at, self.model_text,
            )
            put_error(out, 404, message, b"model", dialect, close)
            return 404
        if ask.max_tokens == -1:
            ask.max_tokens = max(ask.min_tokens, default_tokens(dialect))
        ask.stream = ask.stream or conn.head.route == ROUTE_TGI_STREAM or conn.head.route == ROUTE_TRITON_STREAM
        tokens = ask.prompt_tokens + ask.max_tokens
        if self.max_model_len and tokens > self.max_model_len:
            snprintf(
                message, sizeof(message),
                b"This model's maximum context length is %lld tokens. However, you requested %lld output tokens and"
                b" your prompt contains %lld input tokens. Please reduce the length of either.",
                <long long> self.max_model_len, <long long> ask.max_tokens, <long long> ask.prompt_tokens,
            )
            put_error(out, 400, message, b"input_tokens", dialect, close)
            return 400
        if not ask.stream and ask.max_tokens * ask.choices * ask.prompts > LARGEST_REPLY:
            put_error(out, 400, b"A reply of so many tokens is served as a stream only.", b"max_tokens", dialect, close)
            return 400
        return 0

    cdef bint is_model(self, const Span* named, int dialect) noexcept nogil:
        """Whether the request asks for the served model, or for none by name."""
        if dialect == DIALECT_TRITON:
            return spells_in_url(named, self.raw_text, self.raw_size)
        return named.size == 0 or spells(named, self.model_text, self.model_size)

    cdef bint choose_fault(self, Conn* conn, Fault* fault) noexcept nogil:
        """The fault that the request's header asks for, else one drawn by the shares; False: the header is wrong."""
        cdef double drawn
        cdef Span text
        cdef int i
        if conn.head.fault.size:
            text.at = conn.input.data + conn.head.fault.offset
            text.size = conn.head.fault.size
            return read_fault(&text, fault)
        drawn = unit(mix(mix(self.seed + self.requests) + 1))
        for i in range(self.fault_count):
            if drawn < self.fault_limits[i]:
                fault[0] = self.faults[i]
                break
        return True

    cdef int answer_fault(self, const Stream* s, Buffer* out) noexcept nogil:
        """Puts the answer of a fault that is an answer by itself into `out` and returns its status, else 0."""
        cdef int status = 0
        if s.fault.kind == FAULT_HTTP:
            status = s.fault.arg
        elif s.fault.kind == FAULT_ERROR_EVENT and not s.streaming:
            status = 500
        elif s.fault.kind == FAULT_HTML:
            put_answer(out, 200, b"text/html", b"", HTML, HTML_SIZE, s.closes)
            return 200
        if status:
            put_error(out, status, b"The mock was asked to fail.", NULL, s.dialect, s.closes)
        return status

    cdef int32_t draw_length(self, const Stream* s, const Ask* ask, int32_t choice) noexcept nogil:
        """Output tokens of a choice: all that were asked for, or up to a seeded end of sequence before."""
        cdef double drawn
        if ask.ignore_eos or self.eos_rate == 0:
            return <int32_t> ask.max_tokens
        if self.eos_rate == 1:
            return <int32_t> max(ask.min_tokens, <int64_t> 1)
        drawn = ceil(log1p(-unit(mix(s.seed + <uint64_t> choice + 7))) / log1p(-self.eos_rate))
        drawn = max(drawn, 1.0) + <double> max(ask.min_tokens - 1, <int64_t> 0)
        return <int32_t> min(drawn, <double> ask.max_tokens)

    cdef void fill_stream(self, Stream* s, Conn* conn, const Ask* ask, int64_t now) noexcept nogil:
        cdef timespec wall
        cdef int32_t c
        clock_gettime(CLOCK_REALTIME, &wall)
        s.conn = conn
        s.seed = mix(self.seed + self.requests)
        put_hex(s.id, s.seed)
        s.created = wall.tv_sec
        s.received_ns = s.arrived_ns = now
        if conn.arrived_real_ns:
            s.arrived_ns = min(now, conn.arrived_real_ns - real_offset_ns())
            conn.arrived_real_ns = 0  # a request that came in the same read waited for this one
        s.status = 200
        s.dialect = dialect_of(conn.head.route)
        s.streaming = ask.stream and s.fault.kind != FAULT_REFUSE_STREAM
        s.chunked = not conn.head.http10 and not self.close_delimited
        s.closes = conn.head.close or (s.streaming and not s.chunked)
        self.choose_counts(s, ask)
        s.prompt_tokens = ask.prompt_tokens
        s.cached_tokens = ask.cached_tokens
        s.limit = <int32_t> ask.max_tokens
        s.last_write_ns = now
        for c in range(s.choices):
            s.lengths[c] = self.draw_length(s, ask, c)
            s.longest = max(s.longest, s.lengths[c])

    cdef void choose_counts(self, Stream* s, const Ask* ask) noexcept nogil:
        """Where the reply has its token counts."""
        if has_parameters(s.dialect):
            s.with_ids = s.dialect == DIALECT_MINDIE
            s.usage_final = ask.details and self.script.usage_final[s.dialect]
            s.usage_each = s.usage_final and s.dialect == DIALECT_TRITON
            return
        s.with_ids = ask.return_token_ids
        s.usage_each = self.script.usage_each or (ask.include_usage and ask.continuous_usage)
        s.usage_final = self.script.usage_final[s.dialect] and (self.script.usage_always or ask.include_usage)

    cdef bint open_entry(self, Stream* s, Conn* conn) noexcept nogil:
        """Starts the stream's log entry, if there is a log; False when memory is out."""
        if not self.logging:
            return True
        s.log = new_entry()
        if s.log == NULL:
            return False
        s.log.route = conn.head.route
        s.log.accepted_ns = conn.accepted_ns
        s.log.arrived_ns = s.arrived_ns
        s.log.received_ns = s.received_ns
        s.log.prompt_tokens = s.prompt_tokens
        s.log.fault = s.fault
        if conn.head.request_id.size:
            s.log.request_id_size = conn.head.request_id.size
            s.log.request_id = <char*> malloc(s.log.request_id_size)
            if s.log.request_id == NULL:
                return False
            memcpy(s.log.request_id, conn.input.data + conn.head.request_id.offset, s.log.request_id_size)
        return True

    cdef void account(self, const Stream* s, bint aborted) noexcept nogil:
        """Adds a request that has ended to the counters; answers that are errors do not count."""
        if s.status != 200:
            return
        self.counters.prompt_tokens += s.prompt_tokens
        self.counters.cached_tokens += s.cached_tokens
        self.counters.generation_tokens += s.output_tokens
        if aborted or s.end != END_COMPLETE and not s.closes:
            self.counters.aborted += 1
        elif s.longest < s.limit:
            self.counters.stopped += 1
        else:
            self.counters.reached_length += 1
