# cython: language_level=3
"""Finished requests on their way from the event loop to the log file.

The loop pushes entries without a lock and without the GIL; a Python thread waits for the eventfd, takes them all and
writes them. So neither formatting nor the disk can delay a timed write.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset, strlen

from fastbench.mock.requests.fault cimport fault_name
from fastbench.mock.types cimport (
    FAULT_ERROR_EVENT, FAULT_HTTP, FAULT_NONE, FAULT_STALL, ROUTE_CHAT, ROUTE_COMPLETIONS, ROUTE_COUNT,
    ROUTE_MINDIE, ROUTE_TGI, ROUTE_TGI_STREAM, ROUTE_TRITON, ROUTE_TRITON_STREAM, Buffer, LogEntry,
)
from fastbench.mock.replies.wire cimport append, put_number, release, reserve

import os

cdef const char* PATHS[<int> ROUTE_COUNT]
PATHS[<int> ROUTE_CHAT] = b"/v1/chat/completions"
PATHS[<int> ROUTE_COMPLETIONS] = b"/v1/completions"
PATHS[<int> ROUTE_TGI] = b"/generate"
PATHS[<int> ROUTE_TGI_STREAM] = b"/generate_stream"
PATHS[<int> ROUTE_TRITON] = b"/v2/models/generate"
PATHS[<int> ROUTE_TRITON_STREAM] = b"/v2/models/generate_stream"
PATHS[<int> ROUTE_MINDIE] = b"/infer"

cdef extern from *:
    """
    #define mock_atomic_exchange(at, value) __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL)
    #define mock_atomic_load(at) __atomic_load_n(at, __ATOMIC_ACQUIRE)
    #define mock_atomic_swap(at, expected, value) \\
        __atomic_compare_exchange_n(at, expected, value, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
    """
    LogEntry* mock_atomic_exchange(LogEntry** at, LogEntry* value) nogil
    LogEntry* mock_atomic_load(LogEntry** at) nogil
    bint mock_atomic_swap(LogEntry** at, LogEntry** expected, LogEntry* value) nogil

cdef extern from "<sys/eventfd.h>" nogil:
    int eventfd_write(int fd, uint64_t value)


cdef LogEntry* new_entry() noexcept nogil:
    return <LogEntry*> calloc(1, sizeof(LogEntry))


cdef bint stamp(LogEntry* entry, int64_t ns) noexcept nogil:
    """Adds the time of a write; False when memory is out."""
    cdef int64_t* writes
    cdef size_t capacity
    if entry.write_count == entry.write_capacity:
        capacity = entry.write_capacity * 2 if entry.write_capacity else 64
        writes = <int64_t*> realloc(entry.writes, capacity * sizeof(int64_t))
        if writes == NULL:
            return False
        entry.writes = writes
        entry.write_capacity = capacity
    entry.writes[entry.write_count] = ns
    entry.write_count += 1
    return True


cdef void free_entry(LogEntry* entry) noexcept nogil:
    free(entry.request_id)
    free(entry.writes)
    free(entry)


cdef bint put_text(Buffer* out, const char* text) noexcept nogil:
    return append(out, text, strlen(text))


cdef bint put_field(Buffer* out, const char* name, int64_t value) noexcept nogil:
    """`name` is the key with its quotes, colon and comma, as it stands in the line."""
    if not put_text(out, name) or not reserve(out, 24):
        return False
    if value < 0:
        append(out, b"-", 1)
        value = -value
    out.size = put_number(out.data + out.size, value) - out.data
    return True


cdef bint put_request_id(Buffer* out, const LogEntry* entry) noexcept nogil:
    """A JSON string. Header bytes above 0x7F are ISO-8859-1; control characters cannot stand in a header."""
    cdef size_t i
    cdef unsigned char byte
    if entry.request_id == NULL:
        return put_text(out, b"null")
    put_text(out, b'"')
    for i in range(entry.request_id_size):
        byte = <unsigned char> entry.request_id[i]
        if byte == b'"' or byte == b"\\":
            append(out, b"\\", 1)
        if byte >= 0x20 and byte < 0x80:
            append(out, <const char*> &byte, 1)
        elif byte >= 0x80 and reserve(out, 2):
            out.data[out.size] = <char> (0xC0 | byte >> 6)
            out.data[out.size + 1] = <char> (0x80 | byte & 0x3F)
            out.size += 2
    return put_text(out, b'"')


cdef bint put_fault(Buffer* out, const LogEntry* entry) noexcept nogil:
    cdef int kind = entry.fault.kind
    if kind == FAULT_NONE:
        return put_text(out, b"null")
    put_text(out, b'"')
    put_text(out, fault_name(kind))
    if kind == FAULT_HTTP or FAULT_ERROR_EVENT <= kind <= FAULT_STALL:
        put_field(out, b"=", entry.fault.arg)
    return put_text(out, b'"')


cdef bint put_entry(Buffer* out, const LogEntry* entry) noexcept nogil:
    """One line of the log."""
    cdef size_t i
    put_text(out, b'{"id":')
    put_request_id(out, entry)
    put_text(out, b',"path":"')
    put_text(out, PATHS[entry.route])
    put_text(out, b'"')
    put_field(out, b',"status":', entry.status)
    put_field(out, b',"accepted_ns":', entry.accepted_ns)
    put_field(out, b',"arrived_ns":', entry.arrived_ns)
    put_field(out, b',"received_ns":', entry.received_ns)
    put_field(out, b',"prompt_tokens":', entry.prompt_tokens)
    put_field(out, b',"output_tokens":', entry.output_tokens)
    put_text(out, b',"writes_ns":[')
    for i in range(entry.write_count):
        put_field(out, b"," if i else b"", entry.writes[i])
    put_field(out, b'],"end_ns":', entry.end_ns)
    put_text(out, b',"aborted":true,"fault":' if entry.aborted else b',"aborted":false,"fault":')
    put_fault(out, entry)
    return put_text(out, b"}\n")


cdef class Log:
    """Finished requests that are not written yet."""

    def __cinit__(self):
        self.event_fd = os.eventfd(0, os.EFD_CLOEXEC)

    def __dealloc__(self):
        cdef LogEntry* entry = self.newest
        cdef LogEntry* older
        while entry != NULL:
            older = entry.next
            free_entry(entry)
            entry = older

    def close(self):
        os.close(self.event_fd)

    cdef void push(self, LogEntry* entry) noexcept nogil:
        """Gives the entry to the log, for good."""
        entry.next = mock_atomic_load(&self.newest)
        while not mock_atomic_swap(&self.newest, &entry.next, entry):
            pass
        eventfd_write(self.event_fd, 1)

    def take(self):
        """The lines of all requests that finished since the last call, oldest first, as bytes."""
        cdef LogEntry* entry
        cdef LogEntry* older
        cdef LogEntry* newer = NULL
        cdef Buffer out
        memset(&out, 0, sizeof(out))
        with nogil:
            entry = mock_atomic_exchange(&self.newest, NULL)
            while entry != NULL:
                older = entry.next
                entry.next = newer
                newer = entry
                entry = older
            while newer != NULL:
                put_entry(&out, newer)
                entry = newer
                newer = newer.next
                free_entry(entry)
        lines = out.data[:out.size] if out.size else b""
        release(&out)
        return lines
