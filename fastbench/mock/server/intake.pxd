from libc.stdint cimport int32_t, int64_t, uint64_t

from fastbench.mock.server.engine cimport Engine
from fastbench.mock.replies.answers cimport Counters, State
from fastbench.mock.replies.reply cimport Script
from fastbench.mock.types cimport Ask, Buffer, Conn, Fault, PrefixCache, Span, Stream


cdef class Intake:
    cdef Script script
    cdef Engine engine
    cdef uint64_t seed
    cdef uint64_t requests
    cdef double eos_rate
    cdef int64_t max_model_len          # 0: no limit
    cdef bint close_delimited
    cdef bint logging
    cdef int fault_count
    cdef Fault faults[32]
    cdef double fault_limits[32]        # running sum of the shares
    cdef PrefixCache prefixes           # without slots: there is none
    cdef Counters counters
    cdef State state
    cdef bytes model                    # escaped for JSON
    cdef bytes models_body
    cdef bytes raw_model                # as it is
    cdef const char* raw_text
    cdef size_t raw_size
    cdef const char* model_text
    cdef size_t model_size
    cdef const char* models_text
    cdef size_t models_size

    cdef Stream* take(self, Conn* conn, Buffer* out) noexcept nogil
    cdef Stream* take_completion(self, Conn* conn, Buffer* out, int64_t now) noexcept nogil
    cdef void answer_metrics(self, Buffer* out, bint close) noexcept nogil
    cdef int refuse(self, Conn* conn, Ask* ask, int dialect, Fault* fault, Buffer* out) noexcept nogil
    cdef bint is_model(self, const Span* named, int dialect) noexcept nogil
    cdef bint choose_fault(self, Conn* conn, Fault* fault) noexcept nogil
    cdef int answer_fault(self, const Stream* s, Buffer* out) noexcept nogil
    cdef int32_t draw_length(self, const Stream* s, const Ask* ask, int32_t choice) noexcept nogil
    cdef void fill_stream(self, Stream* s, Conn* conn, const Ask* ask, int64_t now) noexcept nogil
    cdef void choose_counts(self, Stream* s, const Ask* ask) noexcept nogil
    cdef void account(self, const Stream* s, bint aborted) noexcept nogil
    cdef bint open_entry(self, Stream* s, Conn* conn) noexcept nogil
