from libc.stdint cimport int64_t, uint32_t


cdef enum TlsMessageKind:
    # From the reactor to the TLS side.
    TLS_OPEN        # the TCP connection stands: begin the handshake
    TLS_CIPHER      # ciphertext arrived
    TLS_SEAL        # encrypt this request
    TLS_GONE        # the connection ended; what came before it is to be read first
    TLS_CLOSED      # the reactor is done with the connection: forget it
    # And back.
    TLS_WRITE       # ciphertext of the handshake
    TLS_READY       # the handshake is done
    TLS_REQUEST     # a request as ciphertext
    TLS_PLAIN       # plaintext, with its ciphertext's stamps
    TLS_END         # all was read
    TLS_FAILED      # no secure connection; the data say why


cdef struct TlsMessage:
    TlsMessage* next
    TlsMessageKind kind
    uint32_t serial        # of the connection
    void* conn
    int64_t stamp_ns
    int64_t late_ns
    size_t size
    char data[1]


cdef TlsMessage* tls_message_new(
    TlsMessageKind kind, void* conn, uint32_t serial, const char* data, size_t size
) noexcept nogil
cdef list tls_messages_to_python(TlsMessage* messages)
cdef void tls_messages_free(TlsMessage* messages) noexcept nogil
