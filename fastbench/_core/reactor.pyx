# cython: language_level=3
"""The native event loop: one thread that never holds the GIL, with its own sockets, clock and parsers.

Python submits finished requests into one mailbox and takes finished responses out of another; nothing crosses
per token or per read. Each wake-up drains the ready sockets: `recvmsg`, stamp, parse, next. Sends go out at the
plan's absolute times. What the reactor could not do in time (stalls, starvation) it counts, so that the report
can say it.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, malloc
from posix.unistd cimport close

from fastbench._core.bytesbuf cimport buffer_add
from fastbench._core.call cimport (
    Call,
    call_drop_payload,
    call_new,
    call_seal,
    calls_free,
    queue_pop,
    queue_push,
    queue_unlink,
    take_batch,
)
from fastbench._core.clock cimport mono_ns, thread_cpu_ns
from fastbench._core.connections cimport Conn, Connections
from fastbench._core.mailbox cimport Letter, mailbox_put, mailbox_take
from fastbench._core.output cimport OutputSpec
from fastbench._core.poll cimport (
    EPOLL_CTL_ADD,
    EPOLLIN,
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
)
from fastbench._core.turns cimport STALLS_KEPT, turns_begin, turns_note

from fastbench._core.ring import OUTCOMES
from fastbench._core.ring import Ring as PyRing
from fastbench._core.turns import HEARTBEAT_MS

cdef int HEARTBEAT = HEARTBEAT_MS
cdef enum:
    EVENTS_A_TURN = 128
    SENDS_A_TURN = 64
    SPARES_A_TURN = 64

# `precise` pacing wakes this long before a send is due and spins to the mark.
cdef int64_t SPIN_NS = 60_000
cdef int64_t LOOK_NS = 50_000_000
# A connection lost this soon after a send was closed as we sent; one lost later had the request.
cdef int64_t RESEND_NS = 100_000_000
# Closed loop: slots open one after the other, because no client can send from all of them at one instant.
SLOT_STEP = 20_000
cdef int64_t SLOT_STEP_NS = SLOT_STEP
cdef int64_t NEVER = 0x7fffffffffffffffLL


cdef class Reactor(Connections):
    def __cinit__(
        self, OutputSpec spec, *, int limit, bint closed_loop, int spare, int retry=0, bint precise=False,
        int64_t request_timeout_ns, int row_tokens=1024,
    ):
        self.timer_fd = self.wake_fd = self.done_fd = -1
        if limit < 1 or spare < 0 or retry < 0:
            raise ValueError("limit must be at least 1, spare and retry at least 0")
        self.spec = spec
        self.ring = PyRing(limit, row_tokens)
        self.limit = limit
        self.closed_loop = closed_loop
        self.spare = spare
        self.retry = retry
        self.precise = precise
        self.request_timeout_ns = request_timeout_ns
        self.start_ns = NEVER
        self.slots = <int64_t*> malloc(limit * sizeof(int64_t))
        if self.slots == NULL:
            raise MemoryError()
        self.timer_fd = fb_timerfd()
        self.wake_fd = fb_eventfd()
        self.done_fd = fb_eventfd()
        if self.timer_fd < 0 or self.wake_fd < 0 or self.done_fd < 0:
            raise OSError("no descriptors for the reactor: raise the limit with `ulimit -n`")
        watch(self.epoll_fd, EPOLL_CTL_ADD, self.wake_fd, EPOLLIN, &self.wake_fd)
        watch(self.epoll_fd, EPOLL_CTL_ADD, self.timer_fd, EPOLLIN, &self.timer_fd)

    def __dealloc__(self):
        calls_free(self.inbox)
        calls_free(self.outbox)
        calls_free(self.ready.head)
        calls_free(self.again.head)
        calls_free(self.waiting.head)
        reply_free(&self.scratch)
        free(self.slots)
        for fd in (self.timer_fd, self.wake_fd, self.done_fd):
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
        if mailbox_put(<Letter**> &self.inbox, <Letter*> call):
            fb_signal(self.wake_fd)

    def wake(self):
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

    def fileno(self):
        return self.done_fd

    def take(self):
        fb_clear(self.done_fd)
        cdef Call* calls = <Call*> mailbox_take(<Letter**> &self.outbox)
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
            "output_events": now.output_events, "reads": self.wire.reads,
            "unstamped_reads": self.wire.unstamped_reads, "turns": self.turns.count,
            "stalls": self.turns.stalls, "longest_stall_ns": self.turns.longest_ns, "starved": now.starved,
            "retries": now.retries, "resent": now.resent, "connections": self.wire.connections,
            "connect_failures": self.wire.connect_failures, "open_connections": self.open_conns,
            "connecting": self.connecting, "spilled_rows": self.ring.spilled,
            "clock_steps": self.wire.clock_steps, "cpu_ns": now.cpu_ns,
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
            self.keep_spares(mono_ns())
            if self.anything_done:
                self.anything_done = False
                fb_signal(self.done_fd)
            if self.over():
                break
            self.turn()
            self.expire(self.turns.returned_ns)
            self.look_after(self.turns.returned_ns)
        while self.first_conn != NULL:
            self.close_conn(self.first_conn, False)
        self.counters.cpu_ns = thread_cpu_ns()

    cdef bint over(self) noexcept nogil:
        # In this order: what was submitted before the input was closed is in the mailbox by then.
        return self.input_over and self.inbox == NULL and self.ready.size == 0 and self.counters.in_flight == 0

    cdef void collect(self) noexcept nogil:
        """Takes what Python submitted, and its word to start."""
        cdef Call* call = <Call*> mailbox_take(<Letter**> &self.inbox)
        cdef Call* following
        self.started = self.started or self.start_ns != NEVER
        while call != NULL:
            following = call.next
            queue_push(&self.ready, call)
            call = following
        if self.tls:
            self.open_parcels()

    cdef void obey(self) noexcept nogil:
        """Draining: what was not sent will not be; aborting: what is in flight ends now."""
        while self.ready.size:
            self.cancel_unsent(queue_pop(&self.ready))
        if self.aborting:
            while self.oldest != NULL:
                self.end_early(self.oldest, END_CANCELLED)

    cdef int64_t next_slot(self, bint take) noexcept nogil:
        """When the slot that is free first became or becomes so; NEVER while all are in use."""
        cdef int64_t slot = NEVER
        cdef bint again = False
        if self.slots_opened < self.limit:
            slot = self.start_ns + self.slots_opened * SLOT_STEP_NS
        if self.slots_free and self.slots[self.slot_head] <= slot:
            slot = self.slots[self.slot_head]
            again = True
        if take and again:
            self.slot_head = (self.slot_head + 1) % self.limit
            self.slots_free -= 1
        elif take:
            self.slots_opened += 1
        return slot

    cdef int64_t next_due(self) noexcept nogil:
        """When the next send is due; NEVER while there is none, or no place for it."""
        cdef Call* call = self.ready.head
        if call == NULL or self.counters.in_flight >= self.limit or not self.started:
            return NEVER
        return self.next_slot(False) if self.closed_loop else self.start_ns + call.offset_ns

    cdef void dispatch(self) noexcept nogil:
        """Sends what is due, a bounded number at a time, so that reads never wait long."""
        cdef Call* call
        cdef int sends = SENDS_A_TURN
        while self.again.size and sends:
            sends -= 1
            self.place(queue_pop(&self.again))
        while sends:
            if self.next_due() > mono_ns() + (SPIN_NS if self.precise else 0):
                return
            while mono_ns() < self.next_due():
                pass
            sends -= 1
            call = queue_pop(&self.ready)
            call.row.intended_ns = self.next_slot(True) if self.closed_loop else self.start_ns + call.offset_ns
            if call.submitted_ns > call.row.intended_ns:
                call.row.flags |= FLAG_STARVED
                self.counters.starved += 1
            self.launch(call)

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
        self.leave_backlog(call)
        self.counters.in_flight += 1
        if self.counters.in_flight > self.counters.peak_in_flight:
            self.counters.peak_in_flight = self.counters.in_flight
        self.place(call)

    cdef void leave_backlog(self, Call* call) noexcept nogil:
        self.counters.launched += 1
        self.counters.launched_bytes += <int64_t> call.payload_size

    cdef void place(self, Call* call) noexcept nogil:
        """Gives the call a connection that is open, else lets it wait for one that is being opened."""
        cdef Conn* conn = self.idle
        if conn != NULL:
            self.idle = conn.next
            self.begin(conn, call)
            return
        queue_push(&self.waiting, call)
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

    cdef void begin(self, Conn* conn, Call* call) noexcept nogil:
        """Sends the request on an open connection."""
        conn.call = call
        call.conn = conn
        call.attempt_ns = 0
        call.row.connection = conn.serial
        self.prepare(&conn.reply, call)
        self.send_request(conn, call.payload, call.payload_size)

    cdef void prepare(self, Reply* reply, Call* call) noexcept nogil:
        reply_begin(reply, call, self.spec.nodes, self.spec.name_at, self.spec.needs_finish)

    cdef void on_open(self, Conn* conn) noexcept nogil:
        """To the call that has waited longest, else to the idle ones."""
        if self.waiting.size:
            self.begin(conn, queue_pop(&self.waiting))
        else:
            self.rest(conn)

    cdef void on_refused(self, const char* reason, size_t size) noexcept nogil:
        """The call that has waited longest has its answer, unless enough other attempts run."""
        cdef Call* call
        self.hold_spares()
        if self.waiting.size > self.connecting:
            call = queue_pop(&self.waiting)
            self.prepare(&self.scratch, call)
            call.note.size = 0
            buffer_add(&call.note, reason, size)
            if not self.send_again(call, &self.scratch, END_REFUSED):
                self.finish(call, &self.scratch, END_REFUSED, mono_ns())

    cdef void on_sending(self, Conn* conn) noexcept nogil:
        cdef Call* call = conn.call
        call.attempt_ns = mono_ns()
        if call.row.sent_ns == 0:
            call.row.sent_ns = call.attempt_ns
            if conn.opened_ns >= call.dispatched_ns:
                call.row.connect_ns = call.attempt_ns - call.dispatched_ns
            self.counters.sent += 1

    cdef void on_read(
        self, Conn* conn, const char* data, size_t size, int64_t stamp_ns, int64_t late_ns, bint stamped
    ) noexcept nogil:
        cdef Call* call = conn.call
        cdef size_t left = 0
        cdef ReplyStep step
        if not stamped:
            call.row.flags &= ~FLAG_KERNEL
        step = reply_feed(&conn.reply, self.ring, data, size, stamp_ns, late_ns, &left)
        self.counters.output_events += conn.reply.read_events
        if call.row.headers_ns:
            self.settle_request(conn, step != REPLY_MORE)
        if step == REPLY_MORE:
            return
        self.finish(call, &conn.reply, END_COMPLETE if step == REPLY_COMPLETE else END_CLOSED, stamp_ns)
        conn.served += 1
        if step == REPLY_COMPLETE and left == 0 and not conn.early and not reply_ends_with_connection(&conn.reply):
            self.on_open(conn)
        else:
            self.close_conn(conn, False)

    cdef void settle_request(self, Conn* conn, bint answered) noexcept nogil:
        """Once the final head is there: what is left of the request to send, and its bytes."""
        cdef Call* call = conn.call
        if conn.out_sent < conn.out_size:
            # RFC 9112 9.5: an error is reason to stop sending; any other answer may come before the whole request.
            if answered or call.row.status < 200 or call.row.status > 299:
                conn.out_sent = conn.out_size
                conn.early = True
        elif call.attempt_ns == 0:
            conn.early = True  # answered before it was sent (TLS: still being encrypted): not to be used again
        if conn.out_sent >= conn.out_size:
            call_drop_payload(call)

    cdef void on_lost(self, Conn* conn, End how) noexcept nogil:
        cdef Call* call = conn.call
        cdef bint soon = call.attempt_ns == 0 or mono_ns() - call.attempt_ns < RESEND_NS
        # Over TLS a connection can end while the request is still being encrypted.
        cdef bint untouched = (conn.served > 0 or call.attempt_ns == 0) and not reply_started(&conn.reply)
        if untouched and soon and not call.row.flags & FLAG_RESENT and not self.aborting:
            # The service closed an idle connection just as we sent: nobody's failure, and not an attempt.
            call.row.flags |= FLAG_RESENT
            self.counters.resent += 1
            queue_push(&self.again, call)
        elif not self.send_again(call, &conn.reply, how):
            self.finish(call, &conn.reply, how, mono_ns())
        conn.call = NULL

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
        attempt.note, call.note = call.note, attempt.note
        reply.call = attempt
        reply_end(reply, self.ring, how, mono_ns())
        self.deliver(attempt)
        call.attempt_ns = 0
        call.retries += 1
        if call.row.attempt < 255:
            call.row.attempt += 1
        self.counters.retries += 1
        queue_push(&self.again, call)
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

    cdef void cancel_unsent(self, Call* call) noexcept nogil:
        """Ends a call that was never in flight."""
        self.prepare(&self.scratch, call)
        reply_end(&self.scratch, self.ring, END_CANCELLED, mono_ns())
        self.leave_backlog(call)
        self.counters.outcomes[call.row.outcome] += 1
        self.deliver(call)

    cdef void end_early(self, Call* call, End how) noexcept nogil:
        """Ends a call in flight before its response: it took too long, or the user wants to stop."""
        cdef Conn* conn = <Conn*> call.conn
        if conn != NULL and conn.call == call:
            self.finish(call, &conn.reply, how, mono_ns())
            self.close_conn(conn, True)
            return
        if not queue_unlink(&self.waiting, call):
            queue_unlink(&self.again, call)
        self.prepare(&self.scratch, call)
        self.finish(call, &self.scratch, how, mono_ns())

    cdef void deliver(self, Call* call) noexcept nogil:
        call_seal(call, self.ring)
        mailbox_put(<Letter**> &self.outbox, <Letter*> call)
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
        if n >= 0:  # an interrupted poll (SIGCONT) looked at nothing: the turn goes on
            turns_note(&self.turns, entered, mono_ns(), n, n < EVENTS_A_TURN)
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

    cdef void expire(self, int64_t now) noexcept nogil:
        """Ends the calls that took too long."""
        while self.oldest != NULL and self.oldest.deadline_ns <= now:
            self.end_early(self.oldest, END_TIMEOUT)

    cdef void look_after(self, int64_t now) noexcept nogil:
        """What wants to be done now and then."""
        if now - self.looked_ns >= LOOK_NS:
            self.looked_ns = now
            self.watch_clock()
            self.expire_connecting(now)
            self.counters.cpu_ns = thread_cpu_ns()
