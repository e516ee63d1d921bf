# cython: language_level=3
"""The faults that the mock can commit, and how they are written: KIND or KIND=NUMBER."""

from libc.stdint cimport int32_t
from libc.string cimport memcmp, strlen

from fastbench.mock.types cimport (
    FAULT_CUT, FAULT_ERROR_EVENT, FAULT_HTTP, FAULT_NONE, FAULT_REFUSE_STREAM, FAULT_RESET, FAULT_STALL, Fault, Span,
)

# In the order of FaultKind; `none` cannot be asked for.
cdef const char* NAMES[10]
NAMES[:] = [
    b"none", b"http", b"html", b"error-event", b"cut", b"reset", b"stall", b"no-finish", b"empty", b"refuse-stream",
]


cdef const char* fault_name(int kind) noexcept nogil:
    return NAMES[kind]


cdef bint takes_tokens(int kind) noexcept nogil:
    return kind == FAULT_ERROR_EVENT or kind == FAULT_CUT or kind == FAULT_RESET or kind == FAULT_STALL


cdef bint read_argument(const char* at, size_t size, int32_t* value) noexcept nogil:
    cdef size_t i = 0
    cdef int32_t sign = 1
    value[0] = 0
    if size and at[0] == b"-":
        sign = -1
        i = 1
    if size - i < 1 or size - i > 9:
        return False
    while i < size:
        if not (b"0" <= at[i] <= b"9"):
            return False
        value[0] = value[0] * 10 + (at[i] - c"0")
        i += 1
    value[0] *= sign
    return True


cdef bint read_fault(const Span* text, Fault* fault) noexcept nogil:
    """Reads one fault; False when the text is not one."""
    cdef size_t size = 0
    cdef int kind
    while size < text.size and text.at[size] != b"=":
        size += 1
    for kind in range(<int> FAULT_NONE + 1, <int> FAULT_REFUSE_STREAM + 1):
        if strlen(NAMES[kind]) != size or memcmp(NAMES[kind], text.at, size) != 0:
            continue
        fault.kind = kind
        fault.arg = 0
        if kind != FAULT_HTTP and not takes_tokens(kind):
            return size == text.size
        if size == text.size or not read_argument(text.at + size + 1, text.size - size - 1, &fault.arg):
            return False
        if kind == FAULT_HTTP:
            return 400 <= fault.arg <= 599
        return fault.arg >= (0 if kind == FAULT_ERROR_EVENT else -1)
    return False


def parse_fault(str text):
    """(kind, argument) of a fault such as "cut=3". Raises ValueError for anything else."""
    cdef bytes encoded = text.encode()
    cdef Span span
    cdef Fault fault
    span.at = encoded
    span.size = len(encoded)
    if not read_fault(&span, &fault):
        raise ValueError(text)
    return fault.kind, fault.arg
