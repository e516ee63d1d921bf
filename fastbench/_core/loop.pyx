# cython: language_level=3
"""The reactor's thread: it never holds the GIL, and has its own sockets, clock and parsers.

Each wake-up drains the ready sockets: `recvmsg`, stamp, parse, next. Sends go out at the plan's absolute times.
What could not be done in time (stalls, starvation) is counted, so that the report can say it.
"""

from libc.stdint cimport int64_t
from posix.unistd cimport close

from fastbench._core.agenda cimport agenda_add, agenda_free, agenda_pop, agenda_remove
from fastbench._core.bytesbuf cimport buffer_add
from fastbench._core.call cimport (
    Call, call_drop_payload, call_free, call_new, call_seal, calls_free, line_add, line_expired, line_remove,
    queue_pop, queue_push, queue_unlink,
)
from fastbench._core.clock cimport mono_ns, thread_cpu_ns
from fastbench._core.connections cimport Conn, Connections
from fastbench._core.mailbox cimport Letter, mailbox_filled, mailbox_put, mailbox_take
from fastbench._core.output cimport OutputSpec
from fastbench._core.outcome cimport because
from fastbench._core.pause cimport pause_ns
from fastbench._core.poll cimport (
    EPOLL_CTL_ADD,
    EPOLLIN,
    epoll_event,
    epoll_wait,
    poll_arm,
    poll_clear,
    poll_eventfd,
    poll_signal,
    poll_timerfd,
    watch,
)
from fastbench._core.reply cimport (
    REPLY_COMPLETE, REPLY_MORE, ReplyStep, reply_begin, reply_end, reply_ends_with_connection, reply_feed, reply_free,
    reply_started,
)
from fastbench._core.reply_state cimport (
    END_CANCELLED, END_CLOSED, END_COMPLETE, END_LINGERED, END_REFUSED, END_TIMEOUT, End, Reply,
)
from fastbench._core.ring cimport (
    FLAG_KERNEL,
    FLAG_LEFT_OPEN,
    FLAG_RESENT,
    FLAG_STARVED,
    FLAG_SUPERSEDED,
    OUTCOME_CANCELLED,
    OUTCOME_DROPPED,
)
from fastbench._core.shared cimport shared_add, shared_get, shared_put, shared_swap
from fastbench._core.turns cimport turns_begin, turns_note
from fastbench._core.urgency cimport urgency_begin, urgency_look

from fastbench._core.ring import Ring as PyRing
from fastbench._core.slots import Slots as PySlots
from fastbench._core.turns import HEARTBEAT_MS

cdef int HEARTBEAT = HEARTBEAT_MS
cdef enum:
    EVENTS_A_TURN = 128
    SENDS_A_TURN = 64
    SPARES_A_TURN = 64
    RING_ROWS = 8192

# `precise` pacing wakes this long before a send is due and spins to the mark.
cdef int64_t SPIN_NS = 60_000
cdef int64_t LOOK_NS = 50_000_000
# A connection lost this soon after a send was closed as we sent; one lost later had the request.
cdef int64_t RESEND_NS = 100_000_000
# How long a service may leave the body open when it has said that the reply is complete.
cdef int64_t LINGER_NS = 1_000_000_000
cdef int64_t LONGEST_NS = (1 << 62) - 1
cdef int64_t NEVER = 0x7fffffffffffffffLL
cdef const char* UNSENT = b"the run ended before it was sent"
cdef const char* NOT_AGAIN = b"the run ended before it was sent again"
cdef const char* TOOK_TOO_LONG = b"no complete response in time, over all attempts"


cdef class Loop(Connections):
    """What the thread has; `Reactor` adds what Python may ask of it."""

    def __cinit__(
        self, OutputSpec spec, *, int limit, openings, closings=(), int spare, int retry=0, bint precise=False,
        bint drop_when_full=False, int64_t request_timeout_ns, int64_t total_timeout_ns=LONGEST_NS,
        int64_t retry_pause_ns=50_000_000, int64_t stop_offset_ns=NEVER, int row_tokens=1024,
    ):
        self.timer_fd = self.wake_fd = self.done_fd = -1
        if limit < 1 or spare < 0 or retry < 0:
            raise ValueError("limit must be at least 1, spare and retry at least 0")
        if request_timeout_ns > LONGEST_NS or total_timeout_ns > LONGEST_NS:
            raise ValueError("a time limit must be below 2**62 ns")
        self.spec = spec
        # More streams at once than rows have theirs on the heap.
        self.ring = PyRing(min(limit, RING_ROWS), row_tokens)
        self.limit = limit
        self.closed_loop = openings is not None
        self.slots = PySlots(openings if self.closed_loop else (), closings)
        self.spare = spare
        self.retry = retry
        self.precise = precise
        self.drop_when_full = drop_when_full
        self.request_timeout_ns = request_timeout_ns
        self.total_timeout_ns = total_timeout_ns
        self.retry_pause_ns = retry_pause_ns
        self.stop_offset_ns = stop_offset_ns
        self.start_ns = self.given_start_ns = NEVER
        self.timer_fd = poll_timerfd()
        self.wake_fd = poll_eventfd()
        self.done_fd = poll_eventfd()
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
        agenda_free(&self.following)
        agenda_free(&self.pausing)
        reply_free(&self.scratch)
        for fd in (self.timer_fd, self.wake_fd, self.done_fd):
            if fd >= 0:
                close(fd)

    cdef void loop(self) noexcept nogil:
        cdef int64_t now = mono_ns()
        turns_begin(&self.turns, now)
        self.look_after(now)
        urgency_begin(&self.urgency, mono_ns())
        while True:
            self.collect()
            if self.orders & (ORDER_DRAIN | ORDER_WITHDRAW):
                self.obey()
            now = mono_ns()
            self.dispatch(now)
            self.keep_spares(now)
            if self.anything_done:
                self.anything_done = False
                poll_signal(self.done_fd)
            if self.over():
                break
            if self.fed_meanwhile():
                continue
            self.turn()
            self.expire(self.turns.returned_ns)
            self.look_after(self.turns.returned_ns)
        while self.first_conn != NULL:
            self.close_conn(self.first_conn, False)
        self.take_stock(mono_ns())

    cdef bint over(self) noexcept nogil:
        # What was submitted before the input was closed is in the mailbox by now.
        return (
            self.orders & ORDER_END and not mailbox_filled(<Letter**> &self.inbox) and self.ready.size == 0
            and self.counters.in_flight == 0 and (self.counters.occupied == 0 or self.orders & ORDER_ABANDON)
        )

    cdef void collect(self) noexcept nogil:
        """Takes what Python submitted, its orders, its word to start, and its word that conversations have ended."""
        cdef Call* call
        cdef Call* following
        cdef int64_t releases
        self.orders = shared_get(&self.given)
        call = <Call*> mailbox_take(<Letter**> &self.inbox)
        if self.start_ns == NEVER:
            self.start_ns = shared_get(&self.given_start_ns)
        while call != NULL:
            following = call.next
            self.receive(call)
            call = following
        releases = shared_get(&self.releases)
        while self.released < releases:
            self.released += 1
            self.vacate(mono_ns())
        if self.tls:
            self.open_parcels()

    cdef bint fed_meanwhile(self) noexcept nogil:
        """Says whether the next request is to wake this thread; True where one came before that was heard."""
        # In this order, and Python's `submit` in the other one: one of both notices the other.
        if self.ready.size:
            shared_put(&self.hungry, False)
            return False
        shared_swap(&self.hungry, True)
        return mailbox_filled(<Letter**> &self.inbox)

    cdef void receive(self, Call* call) noexcept nogil:
        if call.skip:
            self.end_unsent(call, OUTCOME_CANCELLED, b"its conversation had ended")
        elif call.due_ns == 0:
            queue_push(&self.ready, call)
        elif not agenda_add(&self.following, call):
            self.end_following(call)

    cdef void obey(self) noexcept nogil:
        """Withdrawing: what was not sent is forgotten; draining: it ends as cancelled; aborting: so does all else.
        What waits for another attempt ends with all three."""
        if self.orders & ORDER_WITHDRAW:
            self.withdraw_all()
        while self.orders & ORDER_DRAIN and self.ready.size:
            self.end_begun(queue_pop(&self.ready), OUTCOME_CANCELLED, UNSENT)
        while self.orders & ORDER_DRAIN and self.following.size:
            self.end_following(agenda_pop(&self.following))
        while self.orders & ORDER_ABORT and self.flight.first != NULL:
            self.end_early(self.flight.first.call, END_CANCELLED, NULL)
        while self.pausing.size:
            self.end_early(self.pausing.calls[0], END_CANCELLED, NOT_AGAIN)

    cdef void withdraw_all(self) noexcept nogil:
        while self.ready.size:
            self.forget(queue_pop(&self.ready))
        while self.following.size:
            self.vacate(mono_ns())
            self.forget(agenda_pop(&self.following))

    cdef void forget(self, Call* call) noexcept nogil:
        shared_add(&self.counters.withdrawn, 1)
        self.leave_backlog(call)
        call_free(call)

    cdef int64_t next_begun(self, int64_t now) noexcept nogil:
        """When the next request is due that takes a slot of its own; NEVER while there is none, or no place for it."""
        cdef int64_t slot
        if self.ready.head == NULL or self.start_ns == NEVER:
            return NEVER
        if not self.closed_loop:
            if self.counters.occupied < self.limit or self.drop_when_full:
                return self.start_ns + self.ready.head.offset_ns
            return NEVER
        now -= self.start_ns
        slot = self.slots.next(now)
        if slot == NEVER or slot >= self.stop_offset_ns or now >= self.stop_offset_ns:
            return NEVER
        return self.start_ns + slot

    cdef int64_t next_due(self, int64_t now) noexcept nogil:
        """When the next send is due."""
        cdef int64_t begun = self.next_begun(now)
        if self.following.size and self.following.calls[0].due_ns <= begun:
            return self.following.calls[0].due_ns
        return begun

    cdef void dispatch(self, int64_t now) noexcept nogil:
        """Sends what is due, a bounded number at a time, so that reads never wait long."""
        cdef int64_t due
        cdef int sends = SENDS_A_TURN
        while self.again.size and sends:
            sends -= 1
            self.place(queue_pop(&self.again))
        while self.pausing.size and self.pausing.calls[0].due_ns <= now and sends:
            sends -= 1
            self.place(agenda_pop(&self.pausing))
        while sends:
            due = self.next_due(now)
            if due > now + (SPIN_NS if self.precise else 0):
                return
            while mono_ns() < due:
                pass
            sends -= 1
            self.dispatch_one(due)
            now = mono_ns()

    cdef void dispatch_one(self, int64_t due) noexcept nogil:
        cdef Call* call
        if self.following.size and self.following.calls[0].due_ns == due:
            call = agenda_pop(&self.following)
            call.row.intended_ns = due
            self.launch(call)
            return
        call = queue_pop(&self.ready)
        call.row.intended_ns = due
        if self.closed_loop:
            self.slots.take(due - self.start_ns)
        elif self.counters.occupied >= self.limit:
            self.end_begun(call, OUTCOME_DROPPED, b"no slot was free when it was due")
            return
        # What could not have gone out before for the limit in flight did not want for being prepared.
        if call.submitted_ns > max(due, self.room_ns):
            call.row.flags |= FLAG_STARVED
            shared_add(&self.counters.starved, 1)
        self.counters.occupied += 1
        self.launch(call)

    cdef void launch(self, Call* call) noexcept nogil:
        """The call is in flight from now on."""
        call.dispatched_ns = call.row.tried_ns = mono_ns()
        line_add(&self.flight, &call.flying, call, call.dispatched_ns + self.total_timeout_ns)
        self.leave_backlog(call)
        shared_add(&self.counters.in_flight, 1)
        if self.counters.in_flight > self.counters.peak_in_flight:
            shared_put(&self.counters.peak_in_flight, self.counters.in_flight)
        self.place(call)

    cdef void leave_backlog(self, Call* call) noexcept nogil:
        shared_add(&self.counters.launched, 1)
        shared_add(&self.counters.launched_bytes, <int64_t> call.payload_size)

    cdef void place(self, Call* call) noexcept nogil:
        """Gives the call a connection that is open, else lets it wait for one that is being opened."""
        cdef Conn* conn = self.idle
        if conn != NULL:
            self.leave_idle(conn)
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
        if self.orders & ORDER_END and self.ready.size == 0 or now < self.spares_held_until:
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
            self.begin_attempt(call, mono_ns())  # for as long as it is being encrypted
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
        self.begin_attempt(call, call.attempt_ns)
        if call.row.sent_ns == 0:
            call.row.sent_ns = call.attempt_ns
            if conn.opened_ns >= call.dispatched_ns:
                call.row.connect_ns = call.attempt_ns - call.dispatched_ns
            shared_add(&self.counters.sent, 1)

    cdef void begin_attempt(self, Call* call, int64_t now) noexcept nogil:
        line_add(&self.attempts, &call.trying, call, now + self.request_timeout_ns)

    cdef void on_read(
        self, Conn* conn, const char* data, size_t size, int64_t stamp_ns, int64_t late_ns, bint stamped
    ) noexcept nogil:
        cdef Call* call = conn.call
        cdef size_t left = 0
        cdef ReplyStep step
        if not stamped:
            call.row.flags &= ~FLAG_KERNEL
        step = reply_feed(&conn.reply, self.ring, data, size, stamp_ns, late_ns, &left)
        shared_add(&self.counters.output_events, conn.reply.read_events)
        if call.row.headers_ns:
            self.settle_request(conn, step != REPLY_MORE)
        if step == REPLY_MORE:
            if conn.reply.done_ns and call.lingering.call == NULL:
                line_add(&self.lingerers, &call.lingering, call, stamp_ns + LINGER_NS)
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
        # Over TLS a connection can end while the request is still being encrypted; that excuses it once.
        cdef bint unsent = call.attempt_ns == 0 and not call.row.flags & FLAG_RESENT
        cdef bint untouched = (conn.served > 0 or unsent) and not reply_started(&conn.reply)
        if untouched and soon and not self.orders & ORDER_ABORT:
            # The service closed an idle connection just as we sent: nobody's failure, and not an attempt. The next
            # idle connection may be closed too; each that is used up is one less.
            call.row.flags |= FLAG_RESENT
            shared_add(&self.counters.resent, 1)
            line_remove(&self.attempts, &call.trying)
            queue_push(&self.again, call)
        elif not self.send_again(call, &conn.reply, how):
            self.finish(call, &conn.reply, how, mono_ns())
        conn.call = NULL

    cdef bint send_again(self, Call* call, Reply* reply, End how) noexcept nogil:
        """Records this attempt; the next one follows after a pause. False where the plan allows none."""
        cdef Call* attempt
        cdef bint stopping = (self.orders & (ORDER_ABORT | ORDER_DRAIN | ORDER_WITHDRAW)) != 0
        if stopping or reply_started(reply) or call.retries >= self.retry:
            return False
        attempt = call_new(NULL, 0)
        if attempt == NULL:
            return False
        call.due_ns = mono_ns() + pause_ns(self.retry_pause_ns, call.row.request, call.retries)
        if not agenda_add(&self.pausing, call):
            call_free(attempt)
            return False
        line_remove(&self.attempts, &call.trying)
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
        shared_add(&self.counters.retries, 1)
        return True

    cdef void finish(self, Call* call, Reply* reply, End how, int64_t end_ns) noexcept nogil:
        """The one outcome of a call in flight; its slot is free, unless its conversation is to go on."""
        if how == END_CANCELLED and self.orders & ORDER_OUT_OF_TIME:
            because(reply, b"in flight when the time to drain was over")
        reply_end(reply, self.ring, how, end_ns)
        line_remove(&self.flight, &call.flying)
        line_remove(&self.attempts, &call.trying)
        line_remove(&self.lingerers, &call.lingering)
        shared_add(&self.counters.in_flight, -1)
        if not call.more:
            # From the end of its message on, however late that was noticed: the next request is late by as much. What
            # the service takes to end a message whose [DONE] has come is its own time.
            self.vacate(call.row.message_ns)
        shared_add(&self.counters.outcomes[call.row.outcome], 1)
        self.deliver(call)

    cdef void vacate(self, int64_t ended_ns) noexcept nogil:
        """A request, or the conversation that it belongs to, has ended."""
        if self.counters.occupied == self.limit and not self.closed_loop:
            self.room_ns = ended_ns
        self.counters.occupied -= 1
        if self.closed_loop and not self.orders & ORDER_DRAIN:
            self.slots.give_back(ended_ns - self.start_ns)

    cdef void end_begun(self, Call* call, int outcome, const char* reason) noexcept nogil:
        """Ends a call that was to take a slot, without having sent it."""
        if call.more:
            self.counters.occupied += 1  # until Python has settled the rest of the conversation
        self.end_unsent(call, outcome, reason)

    cdef void end_following(self, Call* call) noexcept nogil:
        """Ends a call that was to follow another one, without having sent it."""
        if not call.more:
            self.vacate(mono_ns())
        self.end_unsent(call, OUTCOME_CANCELLED, UNSENT)

    cdef void end_unsent(self, Call* call, int outcome, const char* reason) noexcept nogil:
        self.prepare(&self.scratch, call)
        because(&self.scratch, reason)
        reply_end(&self.scratch, self.ring, END_CANCELLED, mono_ns())
        call.row.outcome = outcome
        self.leave_backlog(call)
        shared_add(&self.counters.outcomes[outcome], 1)
        shared_add(&self.counters.unsent, outcome == OUTCOME_CANCELLED)
        self.deliver(call)

    cdef void end_early(self, Call* call, End how, const char* reason) noexcept nogil:
        """Ends a call in flight before its message has ended: it took too long, or all is to stop.

        reason: NULL for the usual one of `how`.
        """
        cdef Conn* conn = <Conn*> call.conn
        if conn != NULL and conn.call == call:
            if conn.reply.done_ns:
                how = END_LINGERED  # the reply is complete, whatever becomes of its message
                call.row.flags |= FLAG_LEFT_OPEN
            elif reason != NULL:
                because(&conn.reply, reason)
            self.finish(call, &conn.reply, how, mono_ns())
            self.close_conn(conn, True)
            return
        if not agenda_remove(&self.pausing, call) and not queue_unlink(&self.waiting, call):
            queue_unlink(&self.again, call)
        self.prepare(&self.scratch, call)
        if reason != NULL:
            because(&self.scratch, reason)
        self.finish(call, &self.scratch, how, mono_ns())

    cdef void deliver(self, Call* call) noexcept nogil:
        call_seal(call, self.ring)
        mailbox_put(<Letter**> &self.outbox, <Letter*> call)
        self.anything_done = True

    cdef void turn(self) noexcept nogil:
        """Sleeps until something is ready or due, then handles it."""
        cdef epoll_event events[EVENTS_A_TURN]
        cdef int64_t entered = mono_ns()
        cdef int64_t wake = self.next_due(entered) - (SPIN_NS if self.precise else 0)
        cdef int i, n, timeout = HEARTBEAT
        self.let_closed_be_used()
        if self.again.size or wake <= entered:
            timeout = 0
        elif wake - entered < HEARTBEAT * 1_000_000:
            self.arm(wake)
        n = epoll_wait(self.epoll_fd, events, EVENTS_A_TURN, timeout)
        if n >= 0:  # an interrupted poll (SIGCONT) looked at nothing: the turn goes on
            turns_note(&self.turns, entered, mono_ns(), n, n < EVENTS_A_TURN)
            self.urgency.slept_ns += self.turns.returned_ns - entered
        for i in range(n):
            if events[i].data.ptr == &self.wake_fd:
                poll_clear(self.wake_fd)
            elif events[i].data.ptr == &self.timer_fd:
                poll_clear(self.timer_fd)
                self.armed_ns = 0
            else:
                self.handle(<Conn*> events[i].data.ptr, events[i].events)

    cdef void arm(self, int64_t when_ns) noexcept nogil:
        if when_ns != self.armed_ns:
            self.armed_ns = when_ns
            poll_arm(self.timer_fd, when_ns)

    cdef void expire(self, int64_t now) noexcept nogil:
        """Ends the calls that took too long: an attempt, all of them, or the message of a reply that is complete."""
        cdef Call* call
        while line_expired(&self.attempts, now):
            self.end_early(self.attempts.first.call, END_TIMEOUT, NULL)
        while line_expired(&self.flight, now):
            self.end_early(self.flight.first.call, END_TIMEOUT, TOOK_TOO_LONG)
        while line_expired(&self.lingerers, now):
            call = self.lingerers.first.call
            # Unless more output came after it was said to be complete.
            line_remove(&self.lingerers, &call.lingering)
            if (<Conn*> call.conn).reply.done_ns:
                self.end_early(call, END_LINGERED, NULL)

    cdef void look_after(self, int64_t now) noexcept nogil:
        """What wants to be done now and then."""
        if now - self.looked_ns >= LOOK_NS:
            self.looked_ns = now
            self.watch_clock()
            self.expire_connecting(now)
            self.take_stock(now)

    cdef void take_stock(self, int64_t now) noexcept nogil:
        shared_put(&self.counters.cpu_ns, thread_cpu_ns())
        urgency_look(&self.urgency, now)
