# cython: language_level=3
"""The mock's event loop: one thread, epoll, never the GIL.

Sockets are registered once, edge-triggered. A stream writes when the engine says that its next event is due, one
`send` per event; a stream without gaps is *hot*: it gets up to 64 KiB per turn for as long as its socket takes them.
A stream whose socket is full is *blocked* and goes on when the socket has room; overdue events then go out at once.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, realloc

from fastbench.mock.replies.answers cimport put_error
from fastbench.mock.server.sockets cimport READ_DRAINED, READ_SOME, flush, read_more, send_or_keep, set_reset
from fastbench.mock.server.engine cimport Engine, Heap, heap_pop, heap_push, unref
from fastbench.mock.requests.head cimport HEAD_BAD, HEAD_INCOMPLETE, HEAD_OK, read_head
from fastbench.mock.server.intake cimport Intake
from fastbench.mock.server.log cimport Log, stamp
from fastbench.mock.server.system cimport (
    EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP, PR_SET_TIMERSLACK, epoll_event, now_ns, prctl,
)
from fastbench.mock.replies.reply cimport Script
from fastbench.mock.server.sockets cimport EVENTS, Sockets
from fastbench.mock.types cimport (
    DIALECT_NONE, END_CLOSE, END_COMPLETE, END_NONE, END_RESET, END_STALL, FAULT_CUT, FAULT_RESET, FAULT_STALL, Buffer,
    Conn, Stream,
)
from fastbench.mock.replies.wire cimport append, drop, release

cdef enum:
    HOT_BYTES = 65536       # one write of a stream without gaps
    INPUT_LIMIT = 1048576   # bytes read ahead while a reply runs


cdef class Server:
    """intake and script: what to answer; log: a `Log` or None; the loop ends when the sockets' stop fd can be read.

    heartbeat_ns: 0, or the silence after which a comment is sent.
    """

    cdef Intake intake
    cdef Script script
    cdef Engine engine
    cdef Log log
    cdef Sockets sockets
    cdef bint head_early
    cdef int64_t heartbeat_ns
    cdef Stream** hot
    cdef size_t hot_count
    cdef size_t hot_room
    cdef Heap beats
    cdef Buffer out

    def __cinit__(self, Intake intake, Script script, Engine engine, Log log, plan, Sockets sockets):
        self.intake = intake
        self.script = script
        self.engine = engine
        self.log = log
        self.sockets = sockets
        self.head_early = plan.head_early
        self.heartbeat_ns = plan.heartbeat_ns

    def __dealloc__(self):
        while self.beats.count:
            unref(heap_pop(&self.beats))
        free(self.beats.nodes)
        free(self.hot)
        release(&self.out)

    def run(self):
        """Serves, without the GIL; requests still running at the end are logged as aborted."""
        cdef epoll_event events[EVENTS]
        cdef int count, i, fd
        with nogil:
            prctl(PR_SET_TIMERSLACK, 1)
            while not self.sockets.stopping:
                count = self.sockets.wait(events, self.next_due())
                for i in range(count):
                    self.on_event(<int> events[i].data.u64, events[i].events)
                self.run_due()
                self.run_hot()
                self.sockets.end_turn()
            for fd in range(self.sockets.conn_room):
                if self.sockets.conns[fd] != NULL:
                    self.close_conn(self.sockets.conns[fd])

    cdef int64_t next_due(self) noexcept nogil:
        """When the loop must turn again at the latest."""
        cdef int64_t due
        if self.hot_count:
            return 0
        due = self.engine.next_due()
        return min(due, self.beats.nodes[0].due_ns) if self.beats.count else due

    # ---- connections

    cdef void on_event(self, int fd, uint32_t events) noexcept nogil:
        cdef Conn* conn = self.sockets.find(fd)
        if conn == NULL:
            return
        if events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR):
            conn.readable = True
            self.read(conn)
        if conn.fd >= 0 and events & EPOLLOUT and conn.pending.size:
            self.resume(conn)

    cdef void close_conn(self, Conn* conn) noexcept nogil:
        """Closes; the request in flight, if any, is aborted."""
        if conn.fd < 0:
            return
        if conn.stream != NULL:
            self.finish(conn.stream, True)
        self.sockets.retire(conn)

    cdef void read(self, Conn* conn) noexcept nogil:
        """Reads all there is (the edge comes once) and serves it; reads on later when too much lies ahead."""
        cdef int result
        while conn.fd >= 0 and conn.readable and not conn.closing:
            if conn.stream != NULL and conn.input.size > INPUT_LIMIT:
                return
            result = read_more(conn)
            if result == READ_SOME:
                self.serve(conn)
            elif result == READ_DRAINED:
                conn.readable = False
            else:
                self.close_conn(conn)

    cdef void serve(self, Conn* conn) noexcept nogil:
        """Takes whole requests out of the input, one at a time: the next waits until its predecessor is answered."""
        cdef size_t whole
        while conn.fd >= 0 and conn.stream == NULL and conn.pending.size == 0 and not conn.closing:
            if conn.head.size == 0 and not self.has_head(conn):
                return
            whole = conn.head.size + conn.head.body_size
            if conn.input.size < whole:
                if conn.head.expect and not conn.continued:
                    conn.continued = True
                    self.send_text(conn, b"HTTP/1.1 100 Continue\r\n\r\n", 25)
                return
            self.take(conn)
            if conn.fd >= 0:
                drop(&conn.input, whole)
                conn.head.size = 0
                conn.head.body_size = 0
                conn.scanned = 0
                conn.continued = False

    cdef bint has_head(self, Conn* conn) noexcept nogil:
        """True when a request's head is complete and its body can be read."""
        cdef int result, status
        cdef size_t blank = 0
        while blank < conn.input.size and (conn.input.data[blank] == b"\r" or conn.input.data[blank] == b"\n"):
            blank += 1
        if blank:
            drop(&conn.input, blank)
        if conn.input.size == 0:
            return False
        result = read_head(conn.input.data, conn.input.size, &conn.scanned, &conn.head)
        if result == HEAD_INCOMPLETE or (result == HEAD_OK and not conn.head.chunked):
            return result == HEAD_OK
        status = 411 if result == HEAD_OK else 400 if result == HEAD_BAD else 413
        self.out.size = 0
        put_error(&self.out, status, b"The mock cannot read this request.", NULL, <int> DIALECT_NONE, True)
        conn.closing = True
        self.send(conn)
        return False

    cdef void send_text(self, Conn* conn, const char* text, size_t size) noexcept nogil:
        self.out.size = 0
        append(&self.out, text, size)
        self.send(conn)

    cdef void send(self, Conn* conn) noexcept nogil:
        """Sends `self.out`; closes a broken connection, and a finished one that is to be closed."""
        if not send_or_keep(conn, &self.out) or (conn.closing and conn.pending.size == 0):
            self.close_conn(conn)

    cdef void resume(self, Conn* conn) noexcept nogil:
        """The socket has room again."""
        if not flush(conn):
            self.close_conn(conn)
        elif conn.pending.size == 0:
            if conn.closing:
                self.close_conn(conn)
            elif conn.stream == NULL:
                self.serve(conn)
                self.read(conn)
            elif conn.stream.blocked:
                conn.stream.blocked = False
                self.go_on(conn.stream)

    # ---- requests

    cdef void take(self, Conn* conn) noexcept nogil:
        """Serves the whole request at the front of the input."""
        cdef Stream* s
        cdef bint at_once
        self.out.size = 0
        s = self.intake.take(conn, &self.out)
        if s == NULL:
            conn.closing = conn.head.close or self.out.size == 0
            self.send(conn)
            return
        conn.stream = s
        at_once = (s.fault.kind == FAULT_CUT or s.fault.kind == FAULT_RESET or s.fault.kind == FAULT_STALL)
        if s.end != END_NONE:
            s.last_write_ns = now_ns()
            conn.closing = s.closes
            self.finish(s, False)
            self.send(conn)
        elif at_once and s.fault.arg < 0:
            s.end = END_CLOSE if s.fault.kind == FAULT_CUT else END_RESET if s.fault.kind == FAULT_RESET else END_STALL
            self.end(s)
        elif not self.engine.submit(s):
            self.close_conn(conn)
        else:
            self.begin(s)

    cdef void begin(self, Stream* s) noexcept nogil:
        """What a stream sends and starts before its first token is due."""
        if not s.streaming:
            return
        if self.heartbeat_ns and not heap_push(&self.beats, s.received_ns + self.heartbeat_ns, s):
            self.close_conn(s.conn)
        elif self.head_early:
            self.out.size = 0
            self.script.put_head(&self.out, s)
            self.send(s.conn)

    cdef void finish(self, Stream* s, bint aborted) noexcept nogil:
        """Takes the stream out of service; its connection goes on."""
        cdef Conn* conn = s.conn
        conn.stream = NULL
        self.engine.leave(s, now_ns() if aborted else s.last_write_ns)
        self.intake.account(s, aborted)
        if s.log != NULL:
            s.log.status = s.status
            s.log.aborted = aborted
            s.log.output_tokens = s.output_tokens
            s.log.end_ns = now_ns() if aborted else s.last_write_ns
            self.log.push(s.log)
            s.log = NULL
        unref(s)

    cdef void end(self, Stream* s) noexcept nogil:
        """Carries out the end that the reply has come to."""
        cdef Conn* conn = s.conn
        cdef int how = s.end
        if how == END_STALL or conn.fd < 0:
            return
        if how == END_RESET:
            set_reset(conn)
        elif how == END_COMPLETE and not s.closes:
            self.finish(s, False)
            self.serve(conn)
            self.read(conn)
            return
        self.finish(s, False)
        conn.closing = True
        if how == END_RESET or conn.pending.size == 0:
            self.close_conn(conn)

    # ---- streams

    cdef void run_due(self) noexcept nogil:
        """Writes what is due, and the heartbeats that are."""
        cdef int64_t now = now_ns()
        cdef Stream* s
        cdef int _
        for _ in range(EVENTS):
            s = self.engine.pop(now)
            if s == NULL:
                break
            self.go_on(s)
            unref(s)
        while self.beats.count and self.beats.nodes[0].due_ns <= now:
            s = heap_pop(&self.beats)
            self.beat(s, now)
            unref(s)

    cdef void beat(self, Stream* s, int64_t now) noexcept nogil:
        if s.dead or s.end != END_NONE:
            return
        if not s.blocked and s.conn.pending.size == 0 and s.last_write_ns + self.heartbeat_ns <= now:
            self.out.size = 0
            s.last_write_ns = now
            self.script.put_comment(&self.out, s)
            self.send(s.conn)
        if not s.dead:
            heap_push(&self.beats, s.last_write_ns + self.heartbeat_ns, s)

    cdef bint is_due(self, const Stream* s) noexcept nogil:
        if s.choice:
            return True         # within a step
        if not self.engine.batched:
            return s.due_ns <= now_ns()
        return s.granted >= (min(s.sent + self.script.step_size(s), s.longest) if s.streaming else s.longest)

    cdef void go_on(self, Stream* s) noexcept nogil:
        """Writes the stream's due events, each with its own `send`, and puts it in line for the next."""
        if s.dead or s.end != END_NONE:
            return
        if s.conn.pending.size:
            s.blocked = True
            return
        if not self.engine.batched and self.engine.itl_ns == 0 and s.streaming:
            self.make_hot(s)
            return
        while self.is_due(s):
            self.write_event(s)
            if s.dead or s.end != END_NONE:
                return
            if s.conn.pending.size:
                s.blocked = True
                return
        if not self.engine.batched and not self.engine.wait(s):
            self.close_conn(s.conn)

    cdef void write_event(self, Stream* s) noexcept nogil:
        cdef int output
        self.out.size = 0
        output = self.script.step(&self.out, s)
        if s.choice == 0 and s.end == END_NONE and not self.engine.batched:
            self.engine.schedule(s, self.script.step_size(s))
        self.write(s, output)

    cdef void write(self, Stream* s, int outputs) noexcept nogil:
        """Stamps and sends `self.out`, which holds so many output events, and carries out the reply's end."""
        cdef Conn* conn = s.conn
        cdef int _
        s.last_write_ns = now_ns()
        if s.log != NULL:
            for _ in range(outputs):
                stamp(s.log, s.last_write_ns)
        if self.out.size and not send_or_keep(conn, &self.out):
            self.close_conn(conn)
        elif s.end != END_NONE:
            self.end(s)

    cdef void make_hot(self, Stream* s) noexcept nogil:
        """Adds the stream to those that write as fast as their sockets take it."""
        cdef Stream** hot
        if s.hot:
            return
        if self.hot_count == self.hot_room:
            hot = <Stream**> realloc(self.hot, (self.hot_room + 256) * sizeof(Stream*))
            if hot == NULL:
                self.close_conn(s.conn)
                return
            self.hot = hot
            self.hot_room += 256
        s.hot = True
        s.refs += 1
        self.hot[self.hot_count] = s
        self.hot_count += 1

    cdef void run_hot(self) noexcept nogil:
        """One write for each hot stream; who is blocked or has ended leaves the list."""
        cdef size_t k, kept = 0, count = self.hot_count
        cdef Stream* s
        for k in range(count):
            s = self.hot[k]
            if not s.dead:
                self.write_many(s)
            if s.dead or s.blocked or s.end != END_NONE:
                s.hot = False
                unref(s)
            else:
                self.hot[kept] = s
                kept += 1
        # Streams that became hot meanwhile stand behind the first `count`.
        for k in range(count, self.hot_count):
            self.hot[kept] = self.hot[k]
            kept += 1
        self.hot_count = kept

    cdef void write_many(self, Stream* s) noexcept nogil:
        cdef int outputs = 0
        self.out.size = 0
        while self.out.size < HOT_BYTES and s.end == END_NONE:
            outputs += self.script.step(&self.out, s)
        self.write(s, outputs)
        if not s.dead and s.end == END_NONE and s.conn.pending.size:
            s.blocked = True
