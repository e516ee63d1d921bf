# cython: language_level=3
"""What the reactor and the TLS side send each other. The reactor reads ciphertext with its stamp and never waits
for decryption; the plaintext comes back with that stamp."""

from libc.stdint cimport uint32_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from fastbench._core.wire.reply_state cimport END_CLOSED

HOW_CLOSED = END_CLOSED
OPEN = TLS_OPEN
CIPHER = TLS_CIPHER
SEAL = TLS_SEAL
GONE = TLS_GONE
CLOSED = TLS_CLOSED
WRITE = TLS_WRITE
READY = TLS_READY
REQUEST = TLS_REQUEST
PLAIN = TLS_PLAIN
END = TLS_END
FAILED = TLS_FAILED


cdef TlsMessage* tls_message_new(
    TlsMessageKind kind, void* conn, uint32_t serial, const char* data, size_t size
) noexcept nogil:
    """A message with its own copy of the data; NULL when memory is out."""
    cdef TlsMessage* message = <TlsMessage*> calloc(1, sizeof(TlsMessage) + size)
    if message == NULL:
        return NULL
    message.kind = kind
    message.conn = conn
    message.serial = serial
    message.size = size
    if size:
        memcpy(message.data, data, size)
    return message


cdef list tls_messages_to_python(TlsMessage* messages):
    """(kind, (connection, serial), stamp_ns, late_ns, data) of each; frees them."""
    cdef TlsMessage* message = messages
    cdef TlsMessage* following
    listed = []
    while message != NULL:
        following = message.next
        listed.append((
            <int> message.kind, (<uintptr_t> message.conn, message.serial), message.stamp_ns, message.late_ns,
            message.data[:message.size],
        ))
        free(message)
        message = following
    return listed


cdef void tls_messages_free(TlsMessage* messages) noexcept nogil:
    cdef TlsMessage* following
    while messages != NULL:
        following = messages.next
        free(messages)
        messages = following
