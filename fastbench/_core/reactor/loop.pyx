# cython: language_level=3
"""The reactor's thread: it never holds the GIL, and has its own sockets, clock and parsers.

Each wake-up drains the ready sockets: `recvmsg`, stamp, parse, next. Sends go out at the plan's absolute times. What is
to be sent and what ends is the dispatcher's; here is what that needs of clocks, sockets and the other thread.
"""

from libc.stdint cimport int64_t
from posix.unistd cimport close

from fastbench._core.call cimport Call, call_drop_payload, calls_free
from fastbench._core.dispatch.dispatcher cimport LIFE_RUNNING, Life
from fastbench._core.dispatch.queues cimport queue_pop
from fastbench._core.reactor.clock cimport mono_ns, thread_cpu_ns
from fastbench._core.reactor.connections cimport Conn, Connections
from fastbench._core.reactor.lateness cimport lateness_begin, lateness_note
from fastbench._core.reactor.mailbox cimport Letter, mailbox_filled, mailbox_put, mailbox_take
from fastbench._core.reactor.poll cimport (
    EPOLL_CTL_ADD,
    EPOLLET,
    EPOLLIN,
    epoll_event,
    epoll_wait,
    poll_arm,
    poll_clear,
    poll_eventfd,
    poll_sleep,
    poll_signal,
    poll_timerfd,
    watch,
)
from fastbench._core.reactor.priority cimport priority_begin, priority_look
from fastbench._core.reactor.gather cimport gather_begin, gather_look, gather_note_shared
from fastbench._core.ring cimport FLAG_KERNEL
from fastbench._core.shared cimport shared_add, shared_get, shared_put, shared_swap
from fastbench._core.wire.reply cimport (
    REPLY_COMPLETE, REPLY_MORE, ReplyStep, reply_ends_with_connection, reply_feed,
)
from fastbench._core.wire.reply_state cimport (
    END_CANCELLED, END_CLOSED, END_COMPLETE, END_LINGERED, END_TIMEOUT, End,
)

from fastbench._core.dispatch.dispatcher import Dispatcher as PyDispatcher
from fastbench._core.reactor.lateness import HEARTBEAT_MS

cdef int HEARTBEAT = HEARTBEAT_MS
cdef enum:
    EVENTS_AT_ONCE = 128
    SENDS_AT_ONCE = 64
    SPARES_AT_ONCE = 64

# `precise` pacing wakes this long before a send is due and spins to the mark.
cdef int64_t SPIN_NS = 60_000
cdef int64_t HOUSEKEEPING_NS = 50_000_000
cdef int64_t NEVER = 0x7fffffffffffffffLL


cdef class Loop(Connections):
    """What the thread has; `Reactor` adds what Python may ask of it."""

    def __cinit__(self, spec, *, bint precise=False, **plan):
        self.timer_fd = self.wake_fd = self.done_fd = -1
        self.dispatcher = PyDispatcher(spec, **plan)
        self.ring = self.dispatcher.ring
        self.precise = precise
        self.given_start_ns = NEVER
        self.timer_fd = poll_timerfd()
        self.wake_fd = poll_eventfd()
        self.done_fd = poll_eventfd()
        if self.timer_fd < 0 or self.wake_fd < 0 or self.done_fd < 0:
            raise OSError("no descriptors for the reactor: raise the limit with `ulimit -n`")
        watch(self.epoll_fd, EPOLL_CTL_ADD, self.wake_fd, EPOLLIN, &self.wake_fd)
        watch(self.epoll_fd, EPOLL_CTL_ADD, self.timer_fd, EPOLLIN | EPOLLET, &self.timer_fd)

    def __dealloc__(self):
        calls_free(self.inbox)
        calls_free(self.outbox)
        for fd in (self.timer_fd, self.wake_fd, self.done_fd):
            if fd >= 0:
                close(fd)

    cdef void loop(self) noexcept nogil:
        cdef int64_t now = mono_ns()
        lateness_begin(&self.lateness, now)
        gather_begin(&self.gather, now)
        self.keep_house(now)
        priority_begin(&self.priority, mono_ns(), thread_cpu_ns())
        while True:
            self.collect()
            if self.dispatcher.life != LIFE_RUNNING:
                self.end_with_run(mono_ns())
            now = mono_ns()
            self.dispatch(now)
            self.keep_spares(now)
            self.hand_over()
            shared_put(&self.known_ns, self.dispatcher.known(mono_ns()))
            if self.dispatcher.over(mailbox_filled(<Letter**> &self.inbox)):
                break
            if self.fed_meanwhile():
                continue
            self.iterate()
            self.expire(self.lateness.returned_ns)
            self.keep_house(self.lateness.returned_ns)
        while self.first_conn != NULL:
            self.close_conn(self.first_conn, False)
        self.note_usage(mono_ns())

    # The other thread.

    cdef void collect(self) noexcept nogil:
        """Takes from Python: requests, stops, the start time, and the ends of conversations."""
        cdef Call* call
        cdef Call* following
        cdef int64_t releases
        # Before the mailbox: what was submitted before it was asked for is in there.
        cdef int64_t slots_wish = shared_get(&self.slots_wished.number)
        # The stage before what goes with it, and all that before the requests: what was submitted before the input
        # was closed is in the mailbox already.
        self.dispatcher.life = <Life> shared_get(&self.wished.life)
        self.dispatcher.withdrawn = shared_get(&self.wished.withdrawn) != 0
        self.dispatcher.out_of_time = shared_get(&self.wished.out_of_time) != 0
        self.dispatcher.input_closed = shared_get(&self.wished.input_closed) != 0
        call = <Call*> mailbox_take(<Letter**> &self.inbox)
        if self.dispatcher.start_ns == NEVER:
            self.dispatcher.start_ns = shared_get(&self.given_start_ns)
        while call != NULL:
            following = call.next
            self.dispatcher.submit(call, mono_ns())
            call = following
        if slots_wish > self.slots_set:
            self.set_slots(slots_wish, mono_ns())
        releases = shared_get(&self.releases)
        while self.released < releases:
            self.released += 1
            self.dispatcher.release(mono_ns())
        if self.tls:
            self.take_tls_messages()

    cdef void set_slots(self, int64_t wish, int64_t now) noexcept nogil:
        self.dispatcher.set_slots(shared_get(&self.slots_wished.wanted), shared_get(&self.slots_wished.first), now)
        self.slots_set_ns = now
        shared_put(&self.slots_set, wish)

    cdef bint fed_meanwhile(self) noexcept nogil:
        """Sets whether the next request wakes this thread; True if one came before that was seen."""
        # In this order, and Python's `submit` in the other one: one of both notices the other.
        if self.dispatcher.ready.size:
            shared_put(&self.hungry, False)
            return False
        shared_swap(&self.hungry, True)
        return mailbox_filled(<Letter**> &self.inbox)

    cdef void hand_over(self) noexcept nogil:
        """Gives Python the requests that have ended."""
        cdef int64_t patience = shared_get(&self.patience)
        if self.dispatcher.ended.size == 0:
            return
        while self.dispatcher.ended.size:
            mailbox_put(<Letter**> &self.outbox, <Letter*> queue_pop(&self.dispatcher.ended))
        if patience == 0 or self.dispatcher.ready.size < patience:
            poll_signal(self.done_fd)

    # Sends.

    cdef void dispatch(self, int64_t now) noexcept nogil:
        """Sends what is due, a bounded number at a time, so that reads never wait long."""
        cdef int64_t due
        cdef Call* call
        cdef int sends = SENDS_AT_ONCE
        while sends:
            call = self.dispatcher.take_again(now)
            if call == NULL:
                break
            sends -= 1
            self.place(call)
        while sends:
            due = self.dispatcher.next_due(now)
            if due > now + (SPIN_NS if self.precise else 0):
                return
            now = mono_ns()
            while now < due:
                now = mono_ns()
            sends -= 1
            call = self.dispatcher.take_due(due, now)
            if call != NULL:
                self.place(call)
            now = mono_ns()

    cdef void place(self, Call* call) noexcept nogil:
        """Gives the call a connection that is open, else lets it wait for one that is being opened."""
        cdef Conn* conn = self.idle
        if conn != NULL:
            self.leave_idle(conn)
            self.begin(conn, call)
            return
        self.dispatcher.wait(call)
        if self.connecting < self.dispatcher.waiting.size:
            self.open_conn(mono_ns())

    cdef void keep_spares(self, int64_t now) noexcept nogil:
        """Opens connections ahead of the sends that will want them."""
        cdef int64_t wanted = self.dispatcher.connections_wanted()
        cdef int room = SPARES_AT_ONCE
        if now < self.spares_held_until:
            return
        while self.open_conns < wanted and room and self.open_conn(now):
            room -= 1

    cdef void begin(self, Conn* conn, Call* call) noexcept nogil:
        """Sends the request on an open connection."""
        conn.call = call
        call.conn = conn
        call.attempt_ns = 0
        call.row.connection = conn.serial
        if self.tls:
            self.dispatcher.begin_attempt(call, mono_ns())  # for as long as it is being encrypted
        self.dispatcher.prepare(&conn.reply, call)
        self.send_request(conn, call.payload, call.payload_size)

    # What the connections report.

    cdef void on_open(self, Conn* conn) noexcept nogil:
        """To the call that has waited longest, else to the idle ones."""
        cdef Call* call = self.dispatcher.take_waiting()
        if call != NULL:
            self.begin(conn, call)
        else:
            self.rest(conn)

    cdef void on_refused(self, const char* reason, size_t size) noexcept nogil:
        self.hold_spares()
        self.dispatcher.refuse(self.connecting, reason, size, mono_ns())

    cdef void on_sending(self, Conn* conn) noexcept nogil:
        self.dispatcher.note_sent(conn.call, conn.opened_ns, mono_ns())

    cdef void on_read(
        self, Conn* conn, const char* data, size_t size, int64_t stamp_ns, int64_t late_ns, bint stamped
    ) noexcept nogil:
        cdef Call* call = conn.call
        cdef size_t left = 0
        cdef ReplyStep step
        if not stamped:
            call.row.flags &= ~FLAG_KERNEL
        step = reply_feed(&conn.reply, self.ring, data, size, stamp_ns, late_ns, &left)
        if conn.reply.read_events:
            shared_add(&self.output_events, conn.reply.read_events)
            self.dispatcher.note_output(call)
            if conn.reply.read_events > 1:
                gather_note_shared(&self.gather)
        if call.row.headers_ns:
            self.settle_request(conn, step != REPLY_MORE)
        if step == REPLY_MORE:
            if conn.reply.done_ns:
                self.dispatcher.linger(call, stamp_ns)
            return
        self.dispatcher.finish(call, &conn.reply, END_COMPLETE if step == REPLY_COMPLETE else END_CLOSED, stamp_ns)
        conn.served += 1
        self.gather.ended += 1
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
        self.dispatcher.lose(conn.call, &conn.reply, how, conn.served > 0, mono_ns())
        conn.call = NULL

    # What ends early.

    cdef void end_with_run(self, int64_t now) noexcept nogil:
        """What ends with the run does so now: all that was not sent, and what is in flight as far as it is to."""
        cdef const char* reason
        cdef Call* call
        self.dispatcher.end_unsent(now)
        while True:
            call = self.dispatcher.cancelled(&reason)
            if call == NULL:
                return
            self.end_early(call, END_CANCELLED, reason)

    cdef void expire(self, int64_t now) noexcept nogil:
        """Ends the calls that took too long: an attempt, all of them, or the message of a reply that is complete."""
        cdef const char* reason
        cdef Call* call
        while True:
            call = self.dispatcher.expired(now, &reason)
            if call == NULL:
                break
            self.end_early(call, END_TIMEOUT, reason)
        while True:
            call = self.dispatcher.take_lingerer(now)
            if call == NULL:
                break
            if (<Conn*> call.conn).reply.done_ns:
                self.end_early(call, END_LINGERED, NULL)

    cdef void end_early(self, Call* call, End how, const char* reason) noexcept nogil:
        cdef Conn* conn = <Conn*> call.conn
        if conn != NULL and conn.call == call:
            self.dispatcher.end_early(call, &conn.reply, how, reason, mono_ns())
            self.close_conn(conn, True)
        else:
            self.dispatcher.end_early(call, NULL, how, reason, mono_ns())

    # The poll.

    cdef void iterate(self) noexcept nogil:
        """Sleeps until something is ready or due, then handles it."""
        cdef epoll_event events[EVENTS_AT_ONCE]
        cdef int64_t entered = mono_ns()
        cdef int64_t looked = entered
        cdef int64_t wake = self.dispatcher.next_due(entered) - (SPIN_NS if self.precise else 0)
        cdef int i, n, timeout = HEARTBEAT
        self.let_closed_be_used()
        if self.may_gather(wake - entered):
            poll_sleep(self.wake_fd, self.gather.ns)
            looked = mono_ns()
        if self.dispatcher.resending.size or wake <= entered:
            timeout = 0
        elif wake - entered < HEARTBEAT * 1_000_000:
            self.arm(wake)
        n = epoll_wait(self.epoll_fd, events, EVENTS_AT_ONCE, timeout)
        if n >= 0:  # an interrupted poll (SIGCONT) looked at nothing: the iteration goes on
            lateness_note(&self.lateness, looked, mono_ns(), n, n < EVENTS_AT_ONCE)
            self.priority.slept_ns += self.lateness.returned_ns - entered
        self.found = False
        for i in range(n):
            if events[i].data.ptr == &self.wake_fd:
                poll_clear(self.wake_fd)
            elif events[i].data.ptr == &self.timer_fd:
                self.armed_ns = 0
            else:
                self.found = True
                self.handle(<Conn*> events[i].data.ptr, events[i].events)

    cdef bint may_gather(self, int64_t until_due_ns) noexcept nogil:
        """Whether what arrives now may wait: streams alone, and no send."""
        return (
            self.found and self.gather.ns > 0 and until_due_ns > 2 * self.gather.ns
            and self.connecting == 0 and self.writing == 0 and self.dispatcher.resending.size == 0
        )

    cdef void arm(self, int64_t when_ns) noexcept nogil:
        if when_ns != self.armed_ns:
            self.armed_ns = when_ns
            poll_arm(self.timer_fd, when_ns)

    cdef void keep_house(self, int64_t now) noexcept nogil:
        """What is to be done now and then."""
        if now - self.kept_ns >= HOUSEKEEPING_NS:
            self.kept_ns = now
            self.watch_clock()
            self.expire_connecting(now)
            self.note_usage(now)
            gather_look(&self.gather, self.dispatcher.counters.in_flight, now)

    cdef void note_usage(self, int64_t now) noexcept nogil:
        cdef int64_t used = thread_cpu_ns()
        shared_put(&self.cpu_ns, used)
        priority_look(&self.priority, now, used)
