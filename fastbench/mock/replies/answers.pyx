# cython: language_level=3
"""Whole answers that are no completion, and errors worded as vLLM words them. Without the GIL."""

from libc.stdio cimport snprintf
from libc.string cimport strlen

from fastbench.mock.types cimport BODY_JSON, BODY_MISSING, BODY_RANGE, Ask, Buffer, has_parameters
from fastbench.mock.replies.wire cimport append, reserve


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
