# cython: language_level=3
"""What the reactor and the TLS side tell each other. The reactor reads ciphertext with its stamp and never waits
for decryption; the plaintext comes back with that stamp."""

from libc.stdint cimport uint32_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from fastbench._core.reply_state cimport END_CLOSED

HOW_CLOSED = END_CLOSED
OPEN = PARCEL_OPEN
CIPHER = PARCEL_CIPHER
SEAL = PARCEL_SEAL
GONE = PARCEL_GONE
CLOSED = PARCEL_CLOSED
WRITE = PARCEL_WRITE
READY = PARCEL_READY
REQUEST = PARCEL_REQUEST
PLAIN = PARCEL_PLAIN
END = PARCEL_END
FAILED = PARCEL_FAILED


cdef Parcel* parcel_new(ParcelKind kind, void* conn, uint32_t serial, const char* data, size_t size) noexcept nogil:
    """A parcel with its own copy of the data; NULL when memory is out."""
    cdef Parcel* parcel = <Parcel*> calloc(1, sizeof(Parcel) + size)
    if parcel == NULL:
        return NULL
    parcel.kind = kind
    parcel.conn = conn
    parcel.serial = serial
    parcel.size = size
    if size:
        memcpy(parcel.data, data, size)
    return parcel


cdef list parcels_to_python(Parcel* parcels):
    """(kind, (connection, serial), stamp_ns, late_ns, data) of each; frees them."""
    cdef Parcel* parcel = parcels
    cdef Parcel* following
    told = []
    while parcel != NULL:
        following = parcel.next
        told.append((
            <int> parcel.kind, (<uintptr_t> parcel.conn, parcel.serial), parcel.stamp_ns, parcel.late_ns,
            parcel.data[:parcel.size],
        ))
        free(parcel)
        parcel = following
    return told


cdef void parcels_free(Parcel* parcels) noexcept nogil:
    cdef Parcel* following
    while parcels != NULL:
        following = parcels.next
        free(parcels)
        parcels = following
