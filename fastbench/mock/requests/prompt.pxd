from fastbench.mock.requests.json cimport Cursor
from fastbench.mock.types cimport Ask


cdef int read_messages(Cursor* c, Ask* ask) noexcept nogil
cdef int read_prompt(Cursor* c, Ask* ask, int depth) noexcept nogil
cdef int read_text(Cursor* c, Ask* ask) noexcept nogil
