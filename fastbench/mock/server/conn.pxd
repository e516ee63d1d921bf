from fastbench.mock.types cimport Buffer, Conn


cdef enum ReadResult:
    READ_SOME           # and perhaps there is more
    READ_DRAINED
    READ_ENDED          # FIN or an error
    READ_NO_MEMORY


cdef Conn* new_conn(int fd) noexcept nogil
cdef void free_conn(Conn* conn) noexcept nogil
cdef int read_more(Conn* conn) noexcept nogil
cdef bint send_or_keep(Conn* conn, const Buffer* out) noexcept nogil
cdef bint flush(Conn* conn) noexcept nogil
cdef void set_reset(Conn* conn) noexcept nogil
