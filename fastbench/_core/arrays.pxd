"""Where the numbers of a numpy array stand.

By the buffer protocol: what is compiled needs no header of numpy, and none of what Cython's own views bring, a tenth of
the build for each module that has one. An array's numbers stay where they are as long as the array lives.
"""
from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int64_t, uint16_t, uint32_t
from libc.string cimport strchr, strlen


cdef inline void* memory_of(object array) except? NULL:
    """The memory of an array that is written, whatever its numbers are; ValueError unless it is C-contiguous."""
    cdef Py_buffer view
    PyObject_GetBuffer(array, &view, PyBUF_ND | PyBUF_WRITABLE)
    PyBuffer_Release(&view)
    return view.buf


cdef inline void* numbers(object array, const char* kinds, Py_ssize_t size, int flags) except? NULL:
    """As `memory_of`; also ValueError unless its numbers have `size` bytes and one of the kinds that `struct` names."""
    cdef Py_buffer view
    PyObject_GetBuffer(array, &view, PyBUF_ND | PyBUF_FORMAT | flags)
    cdef size_t length = strlen(view.format)
    # In the machine's byte order; one letter alone, so no struct.
    cdef bint fits = view.itemsize == size and 0 < length <= 2 and view.format[0] not in (c'>', c'!')
    fits = fits and strchr(kinds, view.format[length - 1]) != NULL
    PyBuffer_Release(&view)
    if not fits:
        raise ValueError(f"an array of numbers of {size} bytes is wanted, not of {array.dtype}")
    return view.buf


cdef inline const uint16_t* uint16s(object array) except? NULL:
    return <const uint16_t*> numbers(array, b"H", sizeof(uint16_t), 0)


cdef inline const uint32_t* uint32s(object array) except? NULL:
    return <const uint32_t*> numbers(array, b"IL", sizeof(uint32_t), 0)


cdef inline const int64_t* int64s(object array) except? NULL:
    return <const int64_t*> numbers(array, b"lq", sizeof(int64_t), 0)


cdef inline int64_t* counts_in(object array) except? NULL:
    """As `int64s`, to be written."""
    return <int64_t*> numbers(array, b"lq", sizeof(int64_t), PyBUF_WRITABLE)
