"""A growable byte buffer on the C heap."""
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy


cdef struct Buffer:
    char* at
    size_t size
    size_t room


cdef inline bint buffer_add(Buffer* buffer, const char* data, size_t size) noexcept nogil:
    """Appends `size` bytes; False when memory is out (the buffer is then unchanged)."""
    cdef size_t need = buffer.size + size
    cdef size_t room
    cdef char* grown
    if need > buffer.room:
        room = buffer.room * 2 if buffer.room else 256
        while room < need:
            room *= 2
        grown = <char*> realloc(buffer.at, room)
        if grown == NULL:
            return False
        buffer.at = grown
        buffer.room = room
    if size:
        memcpy(buffer.at + buffer.size, data, size)
    buffer.size = need
    return True


cdef inline void buffer_free(Buffer* buffer) noexcept nogil:
    free(buffer.at)
    buffer.at = NULL
    buffer.size = 0
    buffer.room = 0


cdef inline void buffer_reset(Buffer* buffer) noexcept nogil:
    """Empties the buffer and gives large room back, so that one long line does not stay for ever."""
    if buffer.room > 16384:
        buffer_free(buffer)
    buffer.size = 0
