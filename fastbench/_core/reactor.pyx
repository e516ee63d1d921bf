# cython: language_level=3
"""The native event loop: one thread that never holds the GIL, with its own sockets, clock and parsers.

Python submits finished requests into one mailbox and takes finished responses out of another; nothing crosses
per token or per read. Each wake-up drains the ready sockets: `recvmsg`, stamp, parse, next. Sends go out at the
plan's absolute times. What the reactor could not do in time (stalls, starvation) it counts, so that the report
can say it.
"""

from libc.errno cimport (
    EADDRNOTAVAIL,
    EAGAIN,
    ECONNREFUSED,
    EHOSTUNREACH,
    EINTR,
    EMFILE,
    ENETUNREACH,
    ENOMEM,
    ETIMEDOUT,
    errno,
)
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdlib cimport calloc, free, malloc
from posix.unistd cimport close

from fastbench._core.call cimport (
    Call,
    call_free,
    call_new,
    call_seal,
    mailbox_put,
    mailbox_take,
    take_batch,
)
from fastbench._core.clock cimport mono_ns, real_offset_ns, thread_cpu_ns
from fastbench._core.net cimport (
    address_parse,
    net_close,
    net_connect,
    net_recv,
    net_send,
    net_socket_error,
    net_stamping_socket,
)
from fastbench._core.poll cimport (
    EPOLL_CLOEXEC,
    EPOLL_CTL_ADD,
    EPOLL_CTL_MOD,
    EPOLLIN,
    EPOLLOUT,
    epoll_create1,
    epoll_event,
    epoll_wait,
    fb_arm,
    fb_clear,
    fb_eventfd,
    fb_exact_timers,
    fb_signal,
    fb_timerfd,
    watch,
)
from fastbench._core.reply cimport (
    END_CANCELLED,
    END_CLOSED,
    END_COMPLETE,
    END_REFUSED,
    END_RESET,
    END_TIMEOUT,
    REPLY_COMPLETE,
    REPLY_MORE,
    End,
    Reply,
    ReplyStep,
    reply_begin,
    reply_end,
    reply_ends_with_connection,
    reply_feed,
    reply_free,
    reply_started,
)
from fastbench._core.ring cimport (
    FLAG_KERNEL,
    FLAG_RESENT,
    FLAG_STARVED,
    FLAG_STREAM,
    FLAG_SUPERSEDED,
    FLAG_WARMUP,
    Ring,
)
from fastbench._core.turns cimport STALLS_KEPT, turns_begin, turns_lateness, turns_note

from fastbench._core.hdr import Hdr as PyHdr
from fastbench._core.ring import OUTCOMES
from fastbench._core.ring import Ring as PyRing
from fastbench._core.turns import HEARTBEAT_MS

cdef int HEARTBEAT = HEARTBEAT_MS
cdef enum:
    READ_ROOM = 256 * 1024
    EVENTS_A_TURN = 128
    SENDS_A_TURN = 64
    SPARES_A_TURN = 64

# `precise` pacing wakes this long before a send is due and spins to the mark.
cdef int64_t SPIN_NS = 60_000
cdef int64_t LOOK_NS = 50_000_000
cdef int64_t CLOCK_STEP_NS = 1_000_000
cdef int64_t SPARE_PAUSE_NS = 100_000_000
cdef int64_t NEVER = 0x7fffffffffffffffLL


cdef void push(CallQueue* queue, Call* call) noexcept nogil:
    call.next = NULL
    if queue.tail == NULL:
        queue.head = call
    else:
        queue.tail.next = call
    queue.tail = call
    queue.size += 1


cdef Call* pop(CallQueue* queue) noexcept nogil:
    cdef Call* call = queue.head
    queue.head = call.next
    if queue.head == NULL:
        queue.tail = NULL
    queue.size -= 1
    return call


cdef bint unlink(CallQueue* queue, Call* call) noexcept nogil:
    """Takes one call out of the middle; False when it is not there."""
    cdef Call* before = NULL
    cdef Call* at = queue.head
    while at != NULL and at != call:
        before = at
        at = at.next
    if at == NULL:
        return False
    if before == NULL:
        queue.head = call.next
    else:
        before.next = call.next
    if queue.tail == call:
        queue.tail = before
    queue.size -= 1
    return True


cdef const char* connect_reason(int error) noexcept nogil:
    if error == ECONNREFUSED:
        return "connection refused"
    if error == ETIMEDOUT:
        return "the connection attempt timed out"
    if error == EHOSTUNREACH or error == ENETUNREACH:
        return "the host cannot be reached"
    if error == EMFILE:
        return "too many open files: raise the limit with `ulimit -n`"
    if error == EADDRNOTAVAIL:
        return "no free local port is left"
    return "no connection"


cdef class Reactor:
    def __cinit__(
        self, OutputSpec spec, int family, str host, int port, *, int limit, bint closed_loop, int spare,
        int retry=0, bint precise=False, int64_t connect_timeout_ns, int64_t request_timeout_ns,
        int row_tokens=1024,
    ):
        if limit < 1 or spare < 0 or retry < 0 or retry > 1000:
            raise ValueError("limit must be at least 1, spare at least 0, retry 0 to 1000")
        self.epoll_fd = self.timer_fd = self.wake_fd = self.done_fd = self.stamping_fd = -1
        if not address_parse(&self.address, family, host.encode(), port):
            raise ValueError(f"not a numeric address: {host!r}")
        self.spec = spec
        self.lag = PyHdr()
        self.ring = PyRing(limit, row_tokens)
        self.limit = limit
        self.closed_loop = closed_loop
        self.spare = spare
        self.retry = retry
        self.precise = precise
        self.connect_timeout_ns = connect_timeout_ns
        self.request_timeout_ns = request_timeout_ns
        self.start_ns = NEVER
        self.slots = <int64_t*> malloc(limit * sizeof(int64_t))
        self.buffer = <char*> malloc(READ_ROOM)
        if self.slots == NULL or self.buffer == NULL:
            raise MemoryError()
        self.epoll_fd = epoll_create1(EPOLL_CLOEXEC)
        self.timer_fd = fb_timerfd()
        self.wake_fd = fb_eventfd()
        self.done_fd = fb_eventfd()
        self.stamping_fd = net_stamping_socket()
        if min(self.epoll_fd, self.timer_fd, self.wake_fd, self.done_fd, self.stamping_fd) < 0:
            raise OSError("no descriptors for the reactor (epoll, timerfd, eventfd)")
        watch(self.epoll_fd, EPOLL_CTL_ADD, self.wake_fd, EPOLLIN, &self.wake_fd)
        watch(self.epoll_fd, EPOLL_CTL_ADD, self.timer_fd, EPOLLIN, &self.timer_fd)

    def __dealloc__(self):
        cdef Conn* conn
        free_calls(self.inbox)
        free_calls(self.outbox)
        free_calls(self.ready.head)
        free_calls(self.again.head)
        free_calls(self.waiting.head)
        while self.first_conn != NULL:
            self.close_conn(self.first_conn, False)
        while self.unused != NULL:
            conn = self.unused
            self.unused = conn.next
            reply_free(&conn.reply)
            free(conn)
        reply_free(&self.scratch)
        free(self.slots)
        free(self.buffer)
        for fd in (self.epoll_fd, self.timer_fd, self.wake_fd, self.done_fd, self.stamping_fd):
            if fd >= 0:
                close(fd)

    # Python's side: any thread that holds the GIL.

    def submit(
        self, bytes payload, *, int64_t request, int64_t offset_ns=0, uint32_t sample=0, int planned_input=-1,
        int planned_output=-1, bint stream=True, bint keep_text=False, bint warmup=False,
    ):
        cdef Call* call = call_new(payload, len(payload))
        if call == NULL:
            raise MemoryError()
        call.offset_ns = offset_ns
        call.keep_text = keep_text
        call.row.request = request
        call.row.sent_bytes = <uint32_t> len(payload)
        call.row.sample = sample
        call.row.planned_input = planned_input
        call.row.planned_output = planned_output
        call.row.flags = FLAG_KERNEL
        if stream:
            call.row.flags |= FLAG_STREAM
        if warmup:
            call.row.flags |= FLAG_WARMUP
        call.submitted_ns = mono_ns()
        self.submitted += 1
        self.submitted_bytes += len(payload)
        if mailbox_put(&self.inbox, call):
            fb_signal(self.wake_fd)

    def start(self, int64_t start_ns):
        self.start_ns = start_ns
        fb_signal(self.wake_fd)

    def close_input(self):
        self.input_over = 1
        fb_signal(self.wake_fd)

    def drain(self):
        self.draining = 1
        self.close_input()

    def abort(self):
        self.aborting = 1
        self.drain()

    @property
    def backlog(self):
        return self.submitted - self.counters.launched

    @property
    def backlog_bytes(self):
        return self.submitted_bytes - self.counters.launched_bytes

    @property
    def open_connections(self):
        return self.open_conns - self.connecting

    @property
    def connect_failures(self):
        return self.counters.connect_failures

    def fileno(self):
        return self.done_fd

    def take(self):
        fb_clear(self.done_fd)
        cdef Call* calls = mailbox_take(&self.outbox)
        return take_batch(calls) if calls != NULL else None

    def run(self):
        if self.running or self.ended:
            raise RuntimeError("a reactor runs once")
        self.running = True
        with nogil:
            self.loop()
        self.running = False
        self.ended = True
        fb_signal(self.done_fd)

    def snapshot(self):
        cdef Counters now = self.counters
        return {
            "sent": now.sent, "in_flight": now.in_flight, "peak_in_flight": now.peak_in_flight,
            "output_events": now.output_events, "reads": now.reads, "unstamped_reads": now.unstamped_reads,
            "turns": self.turns.count, "stalls": self.turns.stalls, "longest_stall_ns": self.turns.longest_ns,
            "starved": now.starved, "retries": now.retries, "resent": now.resent,
            "connections": now.connections, "connect_failures": now.connect_failures,
            "open_connections": self.open_conns, "connecting": self.connecting,
            "spilled_rows": self.ring.spilled, "clock_steps": now.clock_steps, "cpu_ns": now.cpu_ns,
            "outcomes": {name: now.outcomes[code] for code, name in enumerate(OUTCOMES) if code},
        }

    def stalls_since(self, int64_t seen):
        cdef int64_t total = self.turns.stalls
        cdef int64_t k
        first = max(seen, total - STALLS_KEPT)
        return total, [
            (self.turns.kept[k % STALLS_KEPT].start_ns, self.turns.kept[k % STALLS_KEPT].duration_ns)
            for k in range(first, total)
        ]

    # The reactor thread's side.

    cdef void loop(self) noexcept nogil:
        cdef int64_t now = mono_ns()
        fb_exact_timers()
        turns_begin(&self.turns, now)
        self.look_after(now)
        while True:
            self.collect()
            if self.draining:
                self.obey()
            self.dispatch()
            now = mono_ns()
            self.keep_spares(now)
            if self.anything_done:
                self.anything_done = False
                fb_signal(self.done_fd)
            if self.input_over and self.ready.size == 0 and self.counters.in_flight == 0 and self.inbox == NULL:
                break
            self.turn()
            now = self.turns.returned_ns
            self.expire(now)
            self.look_after(now)
        while self.first_conn != NULL:
            self.close_conn(self.first_conn, False)
        self.counters.cpu_ns = thread_cpu_ns()

    cdef void collect(self) noexcept nogil:
        """Takes what Python submitted, and its word to start."""
        cdef Call* call = mailbox_take(&self.inbox)
        cdef Call* following
        cdef int i
        if not self.started and self.start_ns != NEVER:
            self.started = True
            for i in range(self.limit):
                self.slots[i] = self.start_ns
            self.slots_free = self.limit
        while call != NULL:
            following = call.next
            push(&self.ready, call)
            call = following

    cdef void obey(self) noexcept nogil:
        """Draining: what was not sent will not be; aborting: what is in flight ends now."""
        while self.ready.size:
            self.fail_unsent(pop(&self.ready), END_CANCELLED, NULL)
        if self.aborting:
            while self.oldest != NULL:
                self.end_early(self.oldest, END_CANCELLED)

    cdef void dispatch(self) noexcept nogil:
        """Sends what is due, a bounded number at a time, so that reads never wait long."""
        cdef Call* call
        cdef int64_t now
        cdef int sends = SENDS_A_TURN
        while self.again.size and sends:
            sends -= 1
            self.place(pop(&self.again))
        while sends:
            now = mono_ns()
            if self.next_due() > now + (SPIN_NS if self.precise else 0):
                return
            while mono_ns() < self.next_due():
                pass
            sends -= 1
            call = pop(&self.ready)
            call.row.intended_ns = self.start_ns + call.offset_ns
            if self.closed_loop:
                call.row.intended_ns = self.slots[self.slot_head]
                self.slot_head = (self.slot_head + 1) % self.limit
                self.slots_free -= 1
            if call.submitted_ns > call.row.intended_ns:
                call.row.flags |= FLAG_STARVED
                self.counters.starved += 1
            self.launch(call)

    cdef int64_t next_due(self) noexcept nogil:
        """When the next send is due; NEVER while there is none, or no place for it."""
        cdef Call* call = self.ready.head
        if call == NULL or self.counters.in_flight >= self.limit or not self.started:
            return NEVER
        return self.start_ns if self.closed_loop else self.start_ns + call.offset_ns

    cdef void launch(self, Call* call) noexcept nogil:
        """The call is in flight from now on."""
        call.dispatched_ns = mono_ns()
        call.deadline_ns = call.dispatched_ns + self.request_timeout_ns
        call.earlier = self.newest
        call.later = NULL
        if self.newest == NULL:
            self.oldest = call
        else:
            self.newest.later = call
        self.newest = call
        self.counters.launched += 1
        self.counters.launched_bytes += <int64_t> call.payload_size
        self.counters.in_flight += 1
        if self.counters.in_flight > self.counters.peak_in_flight:
            self.counters.peak_in_flight = self.counters.in_flight
        self.place(call)

    cdef void place(self, Call* call) noexcept nogil:
        """Gives the call a connection that is open, else lets it wait for one that is being opened."""
        cdef Conn* conn = self.idle
        if conn != NULL:
            self.idle = conn.next
            self.begin(conn, call)
            return
        push(&self.waiting, call)
        if self.connecting < self.waiting.size:
            self.open_conn(mono_ns())

    cdef void keep_spares(self, int64_t now) noexcept nogil:
        """Opens connections ahead of the sends that will want them."""
        cdef int64_t wanted = self.counters.in_flight + self.spare
        cdef int room = SPARES_A_TURN
        if wanted > self.limit:
            wanted = self.limit
        if self.input_over and self.ready.size == 0 or now < self.spares_held_until:
            return
        while self.open_conns < wanted and room and self.open_conn(now):
            room -= 1

    cdef bint open_conn(self, int64_t now) noexcept nogil:
        cdef bint done = False
        cdef Conn* conn
        cdef int error
        cdef int fd = net_connect(&self.address, &done)
        if fd < 0:
            self.connect_failed(-fd)
            return False
        conn = self.unused
        if conn != NULL:
            self.unused = conn.next
        else:
            conn = <Conn*> calloc(1, sizeof(Conn))
            if conn == NULL:
                close(fd)
                self.connect_failed(ENOMEM)
                return False
        conn.fd = fd
        conn.serial = <uint32_t> self.counters.connections
        conn.served = 0
        conn.writing = conn.early = False
        conn.opened_ns = now
        conn.last_read_ns = conn.last_stamp_ns = 0
        conn.call = NULL
        conn.state = CONN_CONNECTING
        conn.earlier = self.last_conn
        conn.later = NULL
        if self.last_conn == NULL:
            self.first_conn = conn
        else:
            self.last_conn.later = conn
        self.last_conn = conn
        self.counters.connections += 1
        self.open_conns += 1
        self.connecting += 1
        if watch(self.epoll_fd, EPOLL_CTL_ADD, fd, EPOLLIN if done else EPOLLOUT, conn) < 0:
            error = errno
            self.close_conn(conn, False)
            self.connect_failed(error)
            return False
        if done:
            self.connected(conn)
        return True

    cdef void connect_failed(self, int error) noexcept nogil:
        """One attempt failed: the call that has waited longest has its answer, unless another attempt runs."""
        cdef Call* call
        self.counters.connect_failures += 1
        self.spares_held_until = mono_ns() + SPARE_PAUSE_NS
        if self.waiting.size > self.connecting:
            call = pop(&self.waiting)
            reply_begin(&self.scratch, call, self.spec.nodes, self.spec.name_at, self.spec.needs_finish)
            self.scratch.reason = connect_reason(error)
            if not self.send_again(call, &self.scratch, END_REFUSED):
                self.finish(call, &self.scratch, END_REFUSED, mono_ns())

    cdef void connected(self, Conn* conn) noexcept nogil:
        self.connecting -= 1
        self.offer(conn)

    cdef void offer(self, Conn* conn) noexcept nogil:
        """An open connection without work: to the call that has waited longest, else to the idle ones."""
        if self.waiting.size:
            self.begin(conn, pop(&self.waiting))
        else:
            conn.state = CONN_IDLE
            conn.next = self.idle
            self.idle = conn

    cdef void close_conn(self, Conn* conn, bint reset) noexcept nogil:
        cdef Conn* at
        if conn.state == CONN_CONNECTING:
            self.connecting -= 1
        elif conn.state == CONN_IDLE:
            if self.idle == conn:
                self.idle = conn.next
            else:
                at = self.idle
                while at.next != conn:
                    at = at.next
                at.next = conn.next
        net_close(conn.fd, reset)
        if conn.earlier == NULL:
            self.first_conn = conn.later
        else:
            conn.earlier.later = conn.later
        if conn.later == NULL:
            self.last_conn = conn.earlier
        else:
            conn.later.earlier = conn.earlier
        self.open_conns -= 1
        conn.fd = -1
        conn.call = NULL
        conn.next = self.unused
        self.unused = conn

    cdef void begin(self, Conn* conn, Call* call) noexcept nogil:
        """Sends the request on an open connection."""
        cdef int64_t now
        conn.state = CONN_BUSY
        conn.call = call
        call.conn = conn
        call.payload_sent = 0
        call.row.connection = conn.serial
        reply_begin(&conn.reply, call, self.spec.nodes, self.spec.name_at, self.spec.needs_finish)
        now = mono_ns()
        call.attempt_ns = now
        if call.row.sent_ns == 0:
            call.row.sent_ns = now
            call.row.connect_ns = now - call.dispatched_ns if conn.opened_ns >= call.dispatched_ns else 0
            self.counters.sent += 1
        conn.last_read_ns = now
        self.write(conn)

    cdef void write(self, Conn* conn) noexcept nogil:
        cdef Call* call = conn.call
        cdef ssize_t n
        while call.payload_sent < call.payload_size:
            n = net_send(conn.fd, call.payload + call.payload_sent, call.payload_size - call.payload_sent)
            if n < 0:
                if errno == EINTR:
                    continue
                if errno != EAGAIN:
                    # The answer may lie in the socket all the same: reading tells what happened.
                    call.payload_sent = call.payload_size
                elif not conn.writing:
                    conn.writing = True
                    watch(self.epoll_fd, EPOLL_CTL_MOD, conn.fd, EPOLLIN | EPOLLOUT, conn)
                    return
                else:
                    return
            else:
                call.payload_sent += <size_t> n
        if conn.writing:
            conn.writing = False
            watch(self.epoll_fd, EPOLL_CTL_MOD, conn.fd, EPOLLIN, conn)

    cdef void read(self, Conn* conn) noexcept nogil:
        cdef int64_t real_ns = 0
        cdef ssize_t n = net_recv(conn.fd, self.buffer, READ_ROOM, &real_ns)
        if n > 0 and conn.state == CONN_BUSY:
            self.take_read(conn, n, real_ns)
        elif n < 0 and (errno == EAGAIN or errno == EINTR):
            return
        elif conn.state == CONN_BUSY:
            self.lose(conn, END_CLOSED if n == 0 else END_RESET)
        else:
            # An idle connection has nothing to say: it was closed, or it is not to be trusted.
            self.close_conn(conn, False)

    cdef void take_read(self, Conn* conn, ssize_t size, int64_t real_ns) noexcept nogil:
        """Stamps and parses one read."""
        cdef int64_t noticed = mono_ns()
        cdef int64_t stamp = real_ns - self.offset_ns if real_ns else noticed
        cdef Call* call = conn.call
        cdef size_t left = 0
        cdef int64_t late
        cdef ReplyStep step
        self.counters.reads += 1
        if real_ns == 0:
            self.counters.unstamped_reads += 1
            call.row.flags &= ~FLAG_KERNEL
        if stamp > noticed:
            stamp = noticed
        if stamp < conn.last_stamp_ns:
            stamp = conn.last_stamp_ns
        self.lag.record(noticed - stamp)
        late = turns_lateness(&self.turns, stamp, noticed, conn.last_read_ns)
        conn.last_stamp_ns = stamp
        conn.last_read_ns = noticed
        if call.payload_sent < call.payload_size and call.row.received_bytes == 0:
            call.payload_sent = call.payload_size  # it answers before it has the whole request
            conn.early = True
        step = reply_feed(&conn.reply, self.ring, self.buffer, <size_t> size, stamp, late, &left)
        self.counters.output_events += conn.reply.read_events
        if step == REPLY_MORE:
            return
        self.finish(call, &conn.reply, END_COMPLETE if step == REPLY_COMPLETE else END_CLOSED, stamp)
        conn.call = NULL
        conn.served += 1
        if step == REPLY_COMPLETE and left == 0 and not reply_ends_with_connection(&conn.reply) and not conn.early:
            self.offer(conn)
        else:
            self.close_conn(conn, False)

    cdef void lose(self, Conn* conn, End how) noexcept nogil:
        """The connection of a call in flight is gone."""
        cdef Call* call = conn.call
        cdef bint reused = conn.served > 0
        if reused and not reply_started(&conn.reply) and not call.row.flags & FLAG_RESENT and not self.aborting:
            # The service closed an idle connection just as we sent: nobody's failure, and not an attempt.
            call.row.flags |= FLAG_RESENT
            self.counters.resent += 1
            push(&self.again, call)
        elif not self.send_again(call, &conn.reply, how):
            self.finish(call, &conn.reply, how, mono_ns())
        self.close_conn(conn, False)

    cdef bint send_again(self, Call* call, Reply* reply, End how) noexcept nogil:
        """Records this attempt and prepares the next, where the plan allows one; False where not."""
        cdef Call* attempt
        if self.aborting or reply_started(reply) or call.retries >= self.retry:
            return False
        attempt = call_new(NULL, 0)
        if attempt == NULL:
            return False
        attempt.row = call.row
        attempt.row.flags |= FLAG_SUPERSEDED
        attempt.row.sent_ns = call.attempt_ns
        reply.call = attempt
        reply_end(reply, self.ring, how, mono_ns())
        self.deliver(attempt)
        call.retries += 1
        if call.row.attempt < 255:
            call.row.attempt += 1
        self.counters.retries += 1
        push(&self.again, call)
        return True

    cdef void finish(self, Call* call, Reply* reply, End how, int64_t end_ns) noexcept nogil:
        """The one outcome of a call in flight; its slot is free."""
        reply_end(reply, self.ring, how, end_ns)
        if call.earlier == NULL:
            self.oldest = call.later
        else:
            call.earlier.later = call.later
        if call.later == NULL:
            self.newest = call.earlier
        else:
            call.later.earlier = call.earlier
        self.counters.in_flight -= 1
        if self.closed_loop:
            self.slots[(self.slot_head + self.slots_free) % self.limit] = mono_ns()
            self.slots_free += 1
        self.counters.outcomes[call.row.outcome] += 1
        self.deliver(call)

    cdef void fail_unsent(self, Call* call, End how, const char* reason) noexcept nogil:
        """Ends a call that was never in flight."""
        reply_begin(&self.scratch, call, self.spec.nodes, self.spec.name_at, self.spec.needs_finish)
        self.scratch.reason = reason
        reply_end(&self.scratch, self.ring, how, mono_ns())
        self.counters.outcomes[call.row.outcome] += 1
        self.deliver(call)

    cdef void end_early(self, Call* call, End how) noexcept nogil:
        """Ends a call in flight before its response: it took too long, or the user wants to stop."""
        cdef Conn* conn = <Conn*> call.conn
        if conn != NULL and conn.call == call:
            self.finish(call, &conn.reply, how, mono_ns())
            self.close_conn(conn, True)
            return
        if not unlink(&self.waiting, call):
            unlink(&self.again, call)
        reply_begin(&self.scratch, call, self.spec.nodes, self.spec.name_at, self.spec.needs_finish)
        self.finish(call, &self.scratch, how, mono_ns())

    cdef void deliver(self, Call* call) noexcept nogil:
        call_seal(call, self.ring)
        mailbox_put(&self.outbox, call)
        self.anything_done = True

    cdef void turn(self) noexcept nogil:
        """Sleeps until something is ready or due, then handles it."""
        cdef epoll_event events[EVENTS_A_TURN]
        cdef int64_t wake = self.next_due() - (SPIN_NS if self.precise else 0)
        cdef int64_t entered = mono_ns()
        cdef int i, n, timeout = HEARTBEAT
        if self.again.size or wake <= entered:
            timeout = 0
        elif wake - entered < HEARTBEAT * 1_000_000:
            self.arm(wake)
        n = epoll_wait(self.epoll_fd, events, EVENTS_A_TURN, timeout)
        turns_note(&self.turns, entered, mono_ns(), 0 <= n < EVENTS_A_TURN)
        for i in range(n):
            if events[i].data.ptr == &self.wake_fd:
                fb_clear(self.wake_fd)
            elif events[i].data.ptr == &self.timer_fd:
                fb_clear(self.timer_fd)
                self.armed_ns = 0
            else:
                self.handle(<Conn*> events[i].data.ptr, events[i].events)

    cdef void arm(self, int64_t when_ns) noexcept nogil:
        if when_ns != self.armed_ns:
            self.armed_ns = when_ns
            fb_arm(self.timer_fd, when_ns)

    cdef void handle(self, Conn* conn, uint32_t events) noexcept nogil:
        cdef int error
        if conn.state == CONN_CONNECTING:
            error = net_socket_error(conn.fd)
            if error == 0:
                watch(self.epoll_fd, EPOLL_CTL_MOD, conn.fd, EPOLLIN, conn)
                self.connected(conn)
            else:
                self.close_conn(conn, False)
                self.connect_failed(error)
            return
        if conn.writing and events & EPOLLOUT:
            self.write(conn)
        if events & ~<uint32_t> EPOLLOUT:
            self.read(conn)

    cdef void expire(self, int64_t now) noexcept nogil:
        """Ends the calls that took too long."""
        while self.oldest != NULL and self.oldest.deadline_ns <= now:
            self.end_early(self.oldest, END_TIMEOUT)

    cdef void expire_connecting(self, int64_t now) noexcept nogil:
        """Ends connection attempts that took too long; they are among the first of those that are open."""
        cdef Conn* conn = self.first_conn
        cdef Conn* following
        while self.connecting and conn != NULL and conn.opened_ns + self.connect_timeout_ns <= now:
            following = conn.later
            if conn.state == CONN_CONNECTING:
                self.close_conn(conn, True)
                self.connect_failed(ETIMEDOUT)
            conn = following

    cdef void look_after(self, int64_t now) noexcept nogil:
        """What wants to be done now and then."""
        if now - self.looked_ns >= LOOK_NS:
            self.looked_ns = now
            self.watch_clock()
            self.expire_connecting(now)
            self.counters.cpu_ns = thread_cpu_ns()

    cdef void watch_clock(self) noexcept nogil:
        """Follows CLOCK_REALTIME, in which the kernel stamps, and notices when somebody sets it."""
        cdef int64_t offset
        offset = real_offset_ns()
        if self.offset_ns and not -CLOCK_STEP_NS < offset - self.offset_ns < CLOCK_STEP_NS:
            self.counters.clock_steps += 1
        self.offset_ns = offset


cdef void free_calls(Call* call) noexcept nogil:
    cdef Call* following
    while call != NULL:
        following = call.next
        call_free(call)
        call = following
