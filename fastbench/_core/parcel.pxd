from libc.stdint cimport int64_t, uint32_t


cdef enum ParcelKind:
    # From the reactor to whoever holds the keys.
    PARCEL_OPEN        # the TCP connection stands: begin the handshake
    PARCEL_CIPHER      # ciphertext arrived
    PARCEL_SEAL        # encrypt this request
    PARCEL_GONE        # the connection ended; what came before it is to be read first
    PARCEL_CLOSED      # the reactor is done with the connection: forget it
    # And back.
    PARCEL_WRITE       # ciphertext of the handshake
    PARCEL_READY       # the handshake is done
    PARCEL_REQUEST     # a request as ciphertext
    PARCEL_PLAIN       # plaintext, with its ciphertext's stamps
    PARCEL_END         # all was read
    PARCEL_FAILED      # no secure connection; the data say why


cdef struct Parcel:
    Parcel* next
    ParcelKind kind
    uint32_t serial        # of the connection
    void* conn
    int64_t stamp_ns
    int64_t late_ns
    size_t size
    char data[1]


cdef Parcel* parcel_new(ParcelKind kind, void* conn, uint32_t serial, const char* data, size_t size) noexcept nogil
cdef list parcels_to_python(Parcel* parcels)
cdef void parcels_free(Parcel* parcels) noexcept nogil
