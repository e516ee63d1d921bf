from libc.stdint cimport int64_t, uint8_t, uint16_t

from fastbench._core.bytesbuf cimport Buffer


cdef enum HttpStep:
    HTTP_MORE       # all bytes used; feed again
    HTTP_HEAD       # the head of the final response is complete
    HTTP_BODY       # a piece of the body
    HTTP_END        # the message is complete; bytes left belong to something else
    HTTP_BAD        # not HTTP/1.x as RFC 9112 has it; `error` says why


cdef enum HttpError:
    HTTP_FINE
    HTTP_BAD_STATUS_LINE
    HTTP_BAD_HEADER
    HTTP_HEAD_TOO_LONG
    HTTP_BAD_LENGTH
    HTTP_BAD_CODING
    HTTP_BAD_CHUNK_SIZE
    HTTP_BAD_CHUNK_END
    HTTP_EXTENSION_TOO_LONG
    HTTP_UPGRADE
    HTTP_NO_MEMORY


cdef enum ContentType:
    CONTENT_NONE
    CONTENT_EVENT_STREAM
    CONTENT_JSON
    CONTENT_HTML
    CONTENT_OTHER


cdef enum HttpState:
    STATE_STATUS
    STATE_HEADERS
    STATE_LENGTH_BODY
    STATE_CLOSE_BODY
    STATE_CHUNK_SIZE
    STATE_CHUNK_EXTENSION
    STATE_CHUNK_SIZE_LF
    STATE_CHUNK_DATA
    STATE_CHUNK_CR
    STATE_CHUNK_LF
    STATE_TRAILERS
    STATE_DONE


cdef struct Http:
    Buffer line            # a header line that a read has cut
    HttpState state
    HttpError error
    ContentType content_type
    int64_t remaining      # bytes of the body or the chunk still to come
    int64_t length         # Content-Length, -1 when there is none
    size_t head_size       # bytes of head and trailers so far
    size_t extension_size  # bytes of chunk extensions so far
    int digits             # hex digits of the chunk size so far
    uint16_t status
    uint8_t minor          # of HTTP/1.minor
    uint8_t close          # 1: the service says that it closes
    bint chunked
    bint coded             # a Transfer-Encoding or Content-Encoding that we did not ask for
    bint keep_alive        # once the head is complete: the connection may serve again
    bint framing_header    # the last header decided the framing: it may not be folded


cdef void http_init(Http* http) noexcept nogil
cdef void http_free(Http* http) noexcept nogil
cdef HttpStep http_next(
    Http* http, const char** at, const char* end, const char** body, size_t* size
) noexcept nogil
cdef bint http_eof_completes(const Http* http) noexcept nogil
cdef const char* http_error_text(HttpError error) noexcept nogil
