# cython: language_level=3
"""The order of a reply's events: role, tokens, finish reason, usage, end; and where a fault breaks it off.

Without sockets and without a clock: `step` appends the next event to a buffer whenever the caller says it is time.
All choices of a request advance together, one event each per step. When memory is out the reply ends as reset.
"""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from fastbench.mock.types cimport (
    DIALECT_CHAT, DIALECT_COUNT, DIALECT_TGI, END_CLOSE, END_COMPLETE, END_NONE, END_RESET, END_STALL, FAULT_CUT,
    FAULT_EMPTY, FAULT_ERROR_EVENT, FAULT_NO_FINISH, FAULT_RESET, FAULT_STALL, Buffer, Stream, Template, has_parameters,
)
from fastbench.mock.replies.wire cimport (
    KIND_BODY_CHOICE, KIND_BODY_CLOSE, KIND_BODY_OPEN, KIND_DONE, KIND_ERROR, KIND_FINISH, KIND_REASONING,
    KIND_REASONING_LAST, KIND_ROLE, KIND_TEXT, KIND_TEXT_LAST, KIND_USAGE, Fill, append, close_chunk, open_chunk,
    put_number, release, reserve,
)


cdef int64_t total_tokens(const Stream* s, int32_t limit) noexcept nogil:
    """The output tokens of all choices, of each at most `limit`."""
    cdef int64_t total = 0
    cdef int32_t c
    for c in range(s.choices):
        total += min(s.lengths[c], limit)
    return total


cdef bint is_final(const Stream* s, int32_t choice, int32_t size) noexcept nogil:
    """Whether no choice has a token left once `choice` has had its turn in this step of `size` tokens."""
    cdef int32_t c
    if s.sent + size < s.longest:
        return False
    for c in range(choice + 1, s.choices):
        if s.lengths[c] > s.sent:
            return False
    return True


cdef class Script:
    """How replies are made up; `form` is a `plan.Form`."""

    def __cinit__(self, Wire wire, form):
        self.wire = wire
        self.role = ("none", "own", "joined").index(form.role)
        for dialect in range(<int> DIALECT_COUNT):
            usage = form.usage[dialect]
            self.finish_own[dialect] = form.finish == "own" and not has_parameters(dialect)
            self.usage_joined[dialect] = usage == "joined"
            self.usage_on_finish[dialect] = usage == "finish"
            self.usage_final[dialect] = usage != "never"
        self.usage_each = form.usage_each
        self.usage_always = form.usage_always
        self.reasoning = form.reasoning
        self.tokens_per_event = form.tokens_per_event
        self.done = form.done
        self.upper = form.upper
        self.stream_head, self.close_head, self.json_head = form.heads
        self.heads[:] = [self.stream_head, self.close_head, self.json_head]
        for i, head in enumerate(form.heads):
            self.head_sizes[i] = len(head)

    cdef bint reasons(self, const Stream* s) noexcept nogil:
        """Whether the reply begins with reasoning, which only a chat's can."""
        return self.reasoning > 0 and s.dialect == DIALECT_CHAT

    cdef bint start(self, Stream* s) noexcept nogil:
        """Binds the templates of the stream's ordinary events; False when memory is out."""
        cdef const Template* texts = self.wire.templates[s.dialect][<int> KIND_TEXT]
        cdef const Template* reasonings = self.wire.templates[s.dialect][<int> KIND_REASONING]
        if not s.streaming:
            return True
        if self.reasons(s) and not self.wire.bind(&s.reasoning, &reasonings[s.usage_each], s):
            return False
        return self.wire.bind(&s.text, &texts[s.usage_each], s)

    cdef bint put_head(self, Buffer* out, Stream* s) noexcept nogil:
        """Appends the response head up to where the length of a JSON body goes."""
        cdef int which = 2 if not s.streaming else 0 if s.chunked else 1
        s.head_sent = True
        if not append(out, self.heads[which], self.head_sizes[which]):
            return False
        if not s.streaming:
            return True
        if s.closes and not append(out, b"connection: close\r\n", 19):
            return False
        return append(out, b"\r\n", 2)

    cdef bint put_comment(self, Buffer* out, Stream* s) noexcept nogil:
        """A heartbeat, in its own HTTP chunk; the head before it when it has not been sent yet."""
        cdef size_t start
        if not s.head_sent and not self.put_head(out, s):
            return False
        start = open_chunk(out, s.chunked)
        return append(out, b": ping\n\n", 8) and close_chunk(out, start, s.chunked, self.upper)

    cdef int32_t step_size(self, const Stream* s) noexcept nogil:
        """Tokens per choice in the next event: the first carries one, TGI's all do, reasoning and text share none."""
        cdef int32_t size = 1 if s.sent == 0 or s.dialect == DIALECT_TGI else self.tokens_per_event
        if self.reasons(s) and s.sent < self.reasoning < s.sent + size:
            return self.reasoning - s.sent
        return size

    cdef int step(self, Buffer* out, Stream* s) noexcept nogil:
        """Appends the next event and what belongs around it; returns 1 when it carries output, else 0.

        Afterwards `s.end` says whether and how the reply ended.
        """
        cdef Fill fill
        cdef bint final
        cdef int32_t size
        if not s.begun:
            self.begin(out, s)
            if s.end != END_NONE:
                return 0
        size = self.step_size(s)
        memset(&fill, 0, sizeof(fill))
        while s.lengths[s.choice] <= s.sent:
            s.choice += 1
        fill.choice = s.choice
        fill.first = s.sent
        fill.reasoning = self.reasoning if self.reasons(s) else 0
        fill.last = min(s.sent + size, s.lengths[s.choice])
        fill.completion_tokens = fill.last
        fill.reasoning_tokens = min(fill.last, fill.reasoning)
        fill.finishes = fill.last == s.lengths[s.choice] and s.fault.kind != FAULT_NO_FINISH
        final = is_final(s, s.choice, size)
        self.put_event(out, s, &fill, final)
        s.output_tokens += fill.last - fill.first
        s.choice += 1
        while s.choice < s.choices and s.lengths[s.choice] <= s.sent:
            s.choice += 1
        if s.choice == s.choices:
            s.sent += size
            s.choice = 0
            if not self.fire(out, s) and final:
                self.put_tail(out, s)
        return 1

    cdef void begin(self, Buffer* out, Stream* s) noexcept nogil:
        """The reply's start, up to the first token's event; all of a reply that is not a stream."""
        cdef Fill fill
        cdef int32_t c
        memset(&fill, 0, sizeof(fill))
        s.begun = True
        if not s.streaming:
            self.put_body(out, s)
            return
        if not s.head_sent and not self.put_head(out, s):
            s.end = END_RESET
        if s.fault.kind == FAULT_EMPTY:
            self.put_tail(out, s)
            return
        if s.dialect == DIALECT_CHAT and self.role == ROLE_OWN:
            for c in range(s.choices):
                fill.choice = c
                self.put_own(out, s, KIND_ROLE, s.usage_each, &fill)
        self.fire(out, s)

    cdef bint emit(self, Buffer* out, Stream* s, int kind, bint usage, const Fill* fill) noexcept nogil:
        cdef const Template* t = &self.wire.templates[s.dialect][kind][usage]
        if usage == s.usage_each:
            if kind == KIND_TEXT:
                t = &s.text
            elif kind == KIND_REASONING:
                t = &s.reasoning
        if not self.wire.emit(out, t, s, fill):
            s.end = END_RESET
            return False
        return True

    cdef void put_own(self, Buffer* out, Stream* s, int kind, bint usage, const Fill* fill) noexcept nogil:
        """One event in an HTTP chunk of its own."""
        cdef size_t start = open_chunk(out, s.chunked)
        if self.emit(out, s, kind, usage, fill) and not close_chunk(out, start, s.chunked, self.upper):
            s.end = END_RESET

    cdef void put_event(self, Buffer* out, Stream* s, const Fill* fill, bint final) noexcept nogil:
        """An output event, with the role that shares its chunk, and the finish and usage events that follow it."""
        cdef bint own_finish = self.finish_own[s.dialect] and fill.finishes
        cdef bint finish_usage = s.usage_each or (self.usage_on_finish[s.dialect] and s.usage_final)
        cdef bint usage_event = final and s.usage_final and not self.usage_on_finish[s.dialect]
        cdef bint joined = self.usage_joined[s.dialect]
        cdef int kind = KIND_REASONING if fill.last <= fill.reasoning else KIND_TEXT
        cdef size_t start = open_chunk(out, s.chunked)
        cdef Fill sums = fill[0]
        if s.dialect == DIALECT_CHAT and fill.first == 0 and self.role == ROLE_JOINED:
            sums.last = sums.completion_tokens = sums.reasoning_tokens = 0
            self.emit(out, s, KIND_ROLE, s.usage_each, &sums)
            sums = fill[0]
        if fill.finishes and not own_finish:
            kind = KIND_REASONING_LAST if kind == KIND_REASONING else KIND_TEXT_LAST
            self.emit(out, s, kind, finish_usage, fill)
        else:
            self.emit(out, s, kind, s.usage_each, fill)
        if own_finish:
            close_chunk(out, start, s.chunked, self.upper)
            start = open_chunk(out, s.chunked)
            sums.first = sums.last
            self.emit(out, s, KIND_FINISH, finish_usage, &sums)
        if usage_event:
            if not joined:
                close_chunk(out, start, s.chunked, self.upper)
                start = open_chunk(out, s.chunked)
            sums.first = sums.last
            sums.completion_tokens = total_tokens(s, s.longest)
            sums.reasoning_tokens = total_tokens(s, fill.reasoning)
            self.emit(out, s, KIND_USAGE, True, &sums)
        if not close_chunk(out, start, s.chunked, self.upper):
            s.end = END_RESET

    cdef bint fire(self, Buffer* out, Stream* s) noexcept nogil:
        """Commits the stream's fault if its token has come; True when that ended the reply."""
        cdef Fill none
        if not (FAULT_ERROR_EVENT <= s.fault.kind <= FAULT_STALL) or s.sent < min(s.fault.arg, s.longest):
            return False
        if s.fault.kind == FAULT_CUT:
            s.end = END_CLOSE
        elif s.fault.kind == FAULT_RESET:
            s.end = END_RESET
        elif s.fault.kind == FAULT_STALL:
            s.end = END_STALL
        else:
            memset(&none, 0, sizeof(none))
            self.put_own(out, s, KIND_ERROR, False, &none)
            self.put_tail(out, s)
        return True

    cdef void put_tail(self, Buffer* out, Stream* s) noexcept nogil:
        """[DONE] as often as wished (never after no event) and the last chunk."""
        cdef Fill none
        cdef int _
        memset(&none, 0, sizeof(none))
        if s.fault.kind != FAULT_EMPTY and not has_parameters(s.dialect):
            for _ in range(self.done):
                self.put_own(out, s, KIND_DONE, False, &none)
        if s.end == END_NONE:
            s.end = END_COMPLETE if s.chunked else END_CLOSE
        if s.chunked and not append(out, b"0\r\n\r\n", 5):
            s.end = END_RESET

    cdef void put_body(self, Buffer* out, Stream* s) noexcept nogil:
        """A whole JSON reply; a fault that breaks it off leaves the head and half the body."""
        cdef Buffer body
        cdef Fill fill
        cdef int32_t c
        cdef size_t sent
        cdef bint usage = s.usage_final or not has_parameters(s.dialect)
        memset(&body, 0, sizeof(body))
        memset(&fill, 0, sizeof(fill))
        fill.reasoning = self.reasoning if self.reasons(s) else 0
        fill.finishes = s.fault.kind != FAULT_NO_FINISH
        if s.fault.kind != FAULT_EMPTY:
            self.emit(&body, s, KIND_BODY_OPEN, usage, &fill)
            for c in range(s.choices):
                if c:
                    append(&body, b",", 1)
                fill.choice = c
                fill.last = s.lengths[c]
                self.emit(&body, s, KIND_BODY_CHOICE, usage, &fill)
            fill.last = 0
            fill.completion_tokens = total_tokens(s, s.longest)
            fill.reasoning_tokens = total_tokens(s, fill.reasoning)
            self.emit(&body, s, KIND_BODY_CLOSE, usage, &fill)
            s.output_tokens = fill.completion_tokens
        sent = body.size
        s.sent = s.longest
        if self.fire(out, s):
            sent //= 2
        elif s.end == END_NONE:
            s.end = END_COMPLETE
        if s.end != END_RESET or s.fault.kind == FAULT_RESET:
            self.put_head(out, s)
            put_length(out, body.size, s.closes)
            append(out, body.data, sent)
        release(&body)


cdef bint put_length(Buffer* out, size_t size, bint closes) noexcept nogil:
    """The length that ends a JSON head, and its empty line."""
    if not reserve(out, 64):
        return False
    out.size = put_number(out.data + out.size, <int64_t> size) - out.data
    if closes and not append(out, b"\r\nconnection: close", 19):
        return False
    return append(out, b"\r\n\r\n", 4)
