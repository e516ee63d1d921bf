# cython: language_level=3
"""Where the members of a JSON object stand in its text."""

import json

from libc.string cimport memchr

from fastbench._core.wire.json cimport skip_space, string_end, value_end


def members(bytes text, Py_ssize_t start=0, Py_ssize_t end=-1):
    cdef const char* base = text
    cdef Py_ssize_t size = len(text)
    if end < 0 or end > size:
        end = size
    if start < 0 or start > end:
        return None
    cdef const char* stop = base + end
    cdef const char* p = skip_space(base + start, stop)
    cdef const char* name
    cdef const char* value
    cdef list found = []
    if p >= stop or p[0] != c'{':
        return None
    p = skip_space(p + 1, stop)
    if p < stop and p[0] == c'}':
        return found if skip_space(p + 1, stop) == stop else None
    while p < stop and p[0] == c'"':
        name = p
        p = string_end(name + 1, stop)
        if p == NULL:
            return None
        key = name_of(name, p)
        p = skip_space(p + 1, stop)
        if p >= stop or p[0] != c':':
            return None
        value = skip_space(p + 1, stop)
        p = value_end(value, stop)
        if p == NULL:
            return None
        found.append((key, name - base, value - base, p - base))
        p = skip_space(p, stop)
        if p < stop and p[0] == c'}':
            return found if skip_space(p + 1, stop) == stop else None
        if p >= stop or p[0] != c',':
            return None
        p = skip_space(p + 1, stop)
    return None


cdef str name_of(const char* opening, const char* closing):
    """The name between two quotes; decoded where it has escapes."""
    cdef bytes name = (opening + 1)[:closing - opening - 1]
    if memchr(opening, c'\\', <size_t> (closing - opening)) == NULL:
        return name.decode("utf-8", "replace")
    try:
        return json.loads(b'"' + name + b'"')
    except ValueError:
        return name.decode("utf-8", "replace")
