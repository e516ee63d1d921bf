# cython: language_level=3
"""What is sent when, and what ends how: slots, due times, limits, attempts, deadlines, the stages of a run's end.

It takes events with their times and returns what to do; it has no socket, no clock and no thread. So each of
its decisions can be looked at in a test without waiting for it. Times are ns of one clock, the caller's.
"""

from libc.stdint cimport int64_t

from fastbench._core.bytesbuf cimport buffer_add
from fastbench._core.call cimport Call, call_free, call_new, call_seal, calls_free
from fastbench._core.dispatch.backoff cimport backoff_ns
from fastbench._core.dispatch.queues cimport due_heap_add, due_heap_free, due_heap_pop, due_heap_remove
from fastbench._core.dispatch.queues cimport (
    deadlines_add, deadlines_expired, deadlines_remove, queue_pop, queue_push, queue_unlink,
)
from fastbench._core.ring cimport (
    FLAG_LEFT_OPEN, FLAG_RESENT, FLAG_STARVED, FLAG_SUPERSEDED, OUTCOME_CANCELLED, OUTCOME_DROPPED,
)
from fastbench._core.shared cimport shared_add, shared_put
from fastbench._core.wire.outcome cimport because
from fastbench._core.wire.reply cimport reply_begin, reply_end, reply_free, reply_started
from fastbench._core.wire.reply_state cimport END_CANCELLED, END_LINGERED, END_REFUSED, End, Reply
from fastbench._core.wire.rules cimport OutputSpec

from fastbench._core.dispatch.slots import Slots as PySlots
from fastbench._core.ring import Ring as PyRing

cdef enum:
    RING_ROWS = 8192

# A connection lost this soon after a send was closed as we sent; one lost later had the request.
cdef int64_t RESEND_NS = 100_000_000
# How long a service may leave the body open when it has said that the reply is complete.
cdef int64_t LINGER_NS = 1_000_000_000
cdef int64_t LONGEST_NS = (1 << 62) - 1
# Slots that are added open so far apart, as those of a plan do: no client can send from all of them at one instant.
cdef int64_t SLOT_STEP_NS = 20_000
cdef int64_t NEVER = 0x7fffffffffffffffLL
cdef const char* UNSENT = b"the run ended before it was sent"
cdef const char* NOT_AGAIN = b"the run ended before it was sent again"
cdef const char* TOOK_TOO_LONG = b"no complete response in time, over all attempts"
cdef const char* FULL = b"no slot was free when it was due"
cdef const char* SKIPPED = b"its conversation had ended"
cdef const char* OUT_OF_TIME = b"in flight when the time to drain was over"


cdef class Dispatcher:
    """See `reactor.pyi` for the arguments."""

    def __cinit__(
        self, OutputSpec spec, *, int limit, openings, closings=(), int spare, int retry=0, bint drop_when_full=False,
        int64_t request_timeout_ns, int64_t total_timeout_ns=LONGEST_NS, int64_t retry_pause_ns=50_000_000,
        int64_t stop_offset_ns=NEVER, int row_tokens=1024,
    ):
        if limit < 1 or spare < 0 or retry < 0:
            raise ValueError("limit must be at least 1, spare and retry at least 0")
        if request_timeout_ns > LONGEST_NS or total_timeout_ns > LONGEST_NS:
            raise ValueError("a time limit must be below 2**62 ns")
        self.spec = spec
        # More streams at once than rows have theirs on the heap.
        self.ring = PyRing(min(limit, RING_ROWS), row_tokens)
        self.limit = limit
        self.closed_loop = openings is not None
        self.slots = PySlots(openings if self.closed_loop else (), closings, limit if self.closed_loop else 0)
        self.spare = spare
        self.retry = retry
        self.drop_when_full = drop_when_full
        self.request_timeout_ns = request_timeout_ns
        self.total_timeout_ns = total_timeout_ns
        self.retry_pause_ns = retry_pause_ns
        self.stop_offset_ns = stop_offset_ns
        self.start_ns = NEVER

    def __dealloc__(self):
        calls_free(self.ready.head)
        calls_free(self.resending.head)
        calls_free(self.waiting.head)
        calls_free(self.ended.head)
        due_heap_free(&self.following)
        due_heap_free(&self.pausing)
        reply_free(&self.scratch)

    # What comes in.

    cdef void submit(self, Call* call, int64_t now) noexcept nogil:
        if call.skip:
            self.end_one_unsent(call, OUTCOME_CANCELLED, SKIPPED, now)
        elif call.due_ns == 0:
            queue_push(&self.ready, call)
        elif not due_heap_add(&self.following, call):
            self.end_following(call, now)

    cdef void release(self, int64_t now) noexcept nogil:
        """A conversation has ended between two of its turns."""
        self.vacate(now)

    cdef void set_slots(self, int64_t wanted, int64_t first, int64_t now) noexcept nogil:
        """A closed loop has so many slots from now on, after its start. What is not sent yet is forgotten where its
        number is below `first`: it was prepared for the load before."""
        while self.ready.size and self.ready.head.row.request < first:
            self.forget(queue_pop(&self.ready))
        self.limit = <int> wanted
        self.spare = <int> wanted
        self.slots.resize(wanted, max(0, now - self.start_ns), SLOT_STEP_NS)

    cdef int64_t known(self, int64_t now) noexcept nogil:
        """All requests that went out before this moment have ended."""
        return now if self.flight.first == NULL else min(now, self.flight.first.call.dispatched_ns)

    cdef void end_unsent(self, int64_t now) noexcept nogil:
        """Once the run is to end: what was not sent is forgotten if it is withdrawn, else it ends as cancelled."""
        while self.withdrawn and self.ready.size:
            self.forget(queue_pop(&self.ready))
        while self.withdrawn and self.following.size:
            self.vacate(now)
            self.forget(due_heap_pop(&self.following))
        while self.life >= LIFE_DRAINING and self.ready.size:
            self.end_begun(queue_pop(&self.ready), OUTCOME_CANCELLED, UNSENT, now)
        while self.life >= LIFE_DRAINING and self.following.size:
            self.end_following(due_heap_pop(&self.following), now)

    cdef void forget(self, Call* call) noexcept nogil:
        shared_add(&self.counters.withdrawn, 1)
        self.leave_backlog(call)
        call_free(call)

    # What is to be sent.

    cdef int64_t next_begun(self, int64_t now) noexcept nogil:
        """When the next request is due that takes a slot of its own; NEVER while there is none, or no place for it."""
        cdef int64_t slot
        if self.ready.head == NULL or self.start_ns == NEVER:
            return NEVER
        if not self.closed_loop:
            if self.occupied < self.limit or self.drop_when_full:
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

    cdef Call* take_due(self, int64_t due, int64_t now) noexcept nogil:
        """The call that is due at `due`, as `next_due` said: in flight from `now` on. NULL where it was dropped."""
        cdef Call* call
        if self.following.size and self.following.calls[0].due_ns == due:
            call = due_heap_pop(&self.following)
            call.row.intended_ns = due
            self.launch(call, now)
            return call
        call = queue_pop(&self.ready)
        call.row.intended_ns = due
        if self.closed_loop:
            self.slots.take(due - self.start_ns)
        elif self.occupied >= self.limit:
            self.end_begun(call, OUTCOME_DROPPED, FULL, now)
            return NULL
        # What could not have gone out before for the limit in flight did not want for being prepared.
        if call.submitted_ns > max(due, self.room_ns):
            call.row.flags |= FLAG_STARVED
            shared_add(&self.counters.starved, 1)
        self.occupied += 1
        self.launch(call, now)
        return call

    cdef void launch(self, Call* call, int64_t now) noexcept nogil:
        """The call is in flight from now on."""
        call.dispatched_ns = call.row.tried_ns = now
        deadlines_add(&self.flight, &call.overall, call, now + self.total_timeout_ns)
        self.leave_backlog(call)
        shared_add(&self.counters.in_flight, 1)
        if self.counters.in_flight > self.counters.peak_in_flight:
            shared_put(&self.counters.peak_in_flight, self.counters.in_flight)

    cdef void leave_backlog(self, Call* call) noexcept nogil:
        shared_add(&self.counters.launched, 1)
        shared_add(&self.counters.launched_bytes, <int64_t> call.payload_size)

    cdef Call* take_again(self, int64_t now) noexcept nogil:
        """A call in flight that is to be sent once more, NULL where there is none."""
        if self.resending.size:
            return queue_pop(&self.resending)
        if self.pausing.size and self.pausing.calls[0].due_ns <= now:
            return due_heap_pop(&self.pausing)
        return NULL

    cdef int64_t connections_wanted(self) noexcept nogil:
        """How many are to be open: those in use, and some ahead of the sends that will want them."""
        if self.input_closed and self.ready.size == 0:
            return 0
        return min(self.counters.in_flight + self.spare, self.limit)

    cdef void wait(self, Call* call) noexcept nogil:
        """There is no connection for it yet."""
        queue_push(&self.waiting, call)

    cdef Call* take_waiting(self) noexcept nogil:
        """The call that has waited longest for a connection, NULL where none waits."""
        return queue_pop(&self.waiting) if self.waiting.size else NULL

    cdef void prepare(self, Reply* reply, Call* call) noexcept nogil:
        """Makes a reply ready for what is to come of the call."""
        reply_begin(reply, call, &self.spec.compiled)

    # Its counters.

    cdef void begin_attempt(self, Call* call, int64_t now) noexcept nogil:
        """The time of an attempt counts from now on."""
        deadlines_add(&self.attempts, &call.attempt, call, now + self.request_timeout_ns)

    cdef void note_sent(self, Call* call, int64_t opened_ns, int64_t now) noexcept nogil:
        """The first byte of an attempt is sent, on a connection that was opened then."""
        call.attempt_ns = now
        self.begin_attempt(call, now)
        if call.row.sent_ns == 0:
            call.row.sent_ns = now
            if opened_ns >= call.dispatched_ns:
                call.row.connect_ns = now - call.dispatched_ns
            shared_add(&self.counters.sent, 1)

    cdef void note_output(self, Call* call) noexcept nogil:
        """Some of its output has come."""
        if not call.answering:
            call.answering = True
            shared_add(&self.counters.answering, 1)

    cdef void refuse(self, int64_t connecting, const char* reason, size_t size, int64_t now) noexcept nogil:
        """A connection never came to stand: the call that has waited longest has its answer, unless enough others are
        being opened."""
        cdef Call* call
        if self.waiting.size <= connecting:
            return
        call = queue_pop(&self.waiting)
        self.prepare(&self.scratch, call)
        call.note.size = 0
        buffer_add(&call.note, reason, size)
        if not self.try_again(call, &self.scratch, END_REFUSED, now):
            self.finish(call, &self.scratch, END_REFUSED, now)

    cdef void lose(self, Call* call, Reply* reply, End how, bint served, int64_t now) noexcept nogil:
        """The connection of an attempt ended. served: it had served another request before."""
        cdef bint soon = call.attempt_ns == 0 or now - call.attempt_ns < RESEND_NS
        # Over TLS a connection can end while the request is still being encrypted; that excuses it once.
        cdef bint unsent = call.attempt_ns == 0 and not call.row.flags & FLAG_RESENT
        cdef bint untouched = (served or unsent) and not reply_started(reply)
        if untouched and soon and self.life < LIFE_ABORTING:
            # The service closed an idle connection just as we sent: no failure, and not an attempt. The next
            # idle connection may be closed too; each that is used up is one less.
            call.row.flags |= FLAG_RESENT
            shared_add(&self.counters.resent, 1)
            deadlines_remove(&self.attempts, &call.attempt)
            queue_push(&self.resending, call)
        elif not self.try_again(call, reply, how, now):
            self.finish(call, reply, how, now)

    cdef bint try_again(self, Call* call, Reply* reply, End how, int64_t now) noexcept nogil:
        """Records this attempt; the next one follows after a pause. False where the plan allows none."""
        cdef Call* attempt
        if self.life != LIFE_RUNNING or reply_started(reply) or call.retries >= self.retry:
            return False
        attempt = call_new(NULL, 0)
        if attempt == NULL:
            return False
        call.due_ns = now + backoff_ns(self.retry_pause_ns, call.row.request, call.retries)
        if not due_heap_add(&self.pausing, call):
            call_free(attempt)
            return False
        deadlines_remove(&self.attempts, &call.attempt)
        attempt.row = call.row
        attempt.row.flags |= FLAG_SUPERSEDED
        attempt.row.sent_ns = call.attempt_ns
        attempt.note, call.note = call.note, attempt.note
        reply.call = attempt
        reply_end(reply, self.ring, how, now)
        self.deliver(attempt)
        call.attempt_ns = 0
        call.retries += 1
        if call.row.attempt < 255:
            call.row.attempt += 1
        shared_add(&self.counters.retries, 1)
        return True

    cdef void linger(self, Call* call, int64_t stamp_ns) noexcept nogil:
        """Its reply is complete since `stamp_ns`, its message is not."""
        if call.lingering.call == NULL:
            deadlines_add(&self.lingerers, &call.lingering, call, stamp_ns + LINGER_NS)

    cdef void finish(self, Call* call, Reply* reply, End how, int64_t end_ns) noexcept nogil:
        """The one outcome of a call in flight; its slot is free, unless its conversation is to go on."""
        if how == END_CANCELLED and self.out_of_time:
            because(reply, OUT_OF_TIME)
        reply_end(reply, self.ring, how, end_ns)
        deadlines_remove(&self.flight, &call.overall)
        deadlines_remove(&self.attempts, &call.attempt)
        deadlines_remove(&self.lingerers, &call.lingering)
        shared_add(&self.counters.in_flight, -1)
        if call.answering:
            shared_add(&self.counters.answering, -1)
        if not call.more:
            # From the end of its message on, however late that was noticed: the next request is late by as much. What
            # the service takes to end a message whose [DONE] has come is its own time.
            self.vacate(call.row.message_ns)
        shared_add(&self.counters.outcomes[call.row.outcome], 1)
        self.deliver(call)

    cdef void vacate(self, int64_t ended_ns) noexcept nogil:
        """A request, or the conversation that it belongs to, has ended."""
        if self.occupied == self.limit and not self.closed_loop:
            self.room_ns = ended_ns
        self.occupied -= 1
        if self.closed_loop and self.life < LIFE_DRAINING:
            self.slots.give_back(ended_ns - self.start_ns)

    cdef void end_begun(self, Call* call, int outcome, const char* reason, int64_t now) noexcept nogil:
        """Ends a call that was to take a slot, without having sent it."""
        if call.more:
            self.occupied += 1  # until the rest of the conversation is settled
        self.end_one_unsent(call, outcome, reason, now)

    cdef void end_following(self, Call* call, int64_t now) noexcept nogil:
        """Ends a call that was to follow another one, without having sent it."""
        if not call.more:
            self.vacate(now)
        self.end_one_unsent(call, OUTCOME_CANCELLED, UNSENT, now)

    cdef void end_one_unsent(self, Call* call, int outcome, const char* reason, int64_t now) noexcept nogil:
        self.prepare(&self.scratch, call)
        because(&self.scratch, reason)
        reply_end(&self.scratch, self.ring, END_CANCELLED, now)
        call.row.outcome = outcome
        self.leave_backlog(call)
        shared_add(&self.counters.outcomes[outcome], 1)
        shared_add(&self.counters.unsent, outcome == OUTCOME_CANCELLED)
        self.deliver(call)

    cdef void deliver(self, Call* call) noexcept nogil:
        call_seal(call, self.ring)
        queue_push(&self.ended, call)

    # What is to end early.

    cdef Call* cancelled(self, const char** reason) noexcept nogil:
        """A call in flight that ends with the run, NULL where there is none. It stays until `end_early`."""
        reason[0] = NULL
        if self.life >= LIFE_ABORTING and self.flight.first != NULL:
            return self.flight.first.call
        if self.life != LIFE_RUNNING and self.pausing.size:
            reason[0] = NOT_AGAIN
            return self.pausing.calls[0]
        return NULL

    cdef Call* expired(self, int64_t now, const char** reason) noexcept nogil:
        """A call whose time is over, for an attempt or for all of them; NULL where there is none."""
        reason[0] = NULL
        if deadlines_expired(&self.attempts, now):
            return self.attempts.first.call
        if deadlines_expired(&self.flight, now):
            reason[0] = TOOK_TOO_LONG
            return self.flight.first.call
        return NULL

    cdef Call* take_lingerer(self, int64_t now) noexcept nogil:
        """A call whose reply was complete a while ago, and is unless more of it came since; NULL: there is none."""
        cdef Call* call
        if not deadlines_expired(&self.lingerers, now):
            return NULL
        call = self.lingerers.first.call
        deadlines_remove(&self.lingerers, &call.lingering)
        return call

    cdef void end_early(self, Call* call, Reply* reply, End how, const char* reason, int64_t now) noexcept nogil:
        """Ends a call in flight before its message has ended: it took too long, or all is to stop.

        reply: NULL where it has no connection. reason: NULL for the usual one of `how`.
        """
        if reply == NULL:
            if not due_heap_remove(&self.pausing, call) and not queue_unlink(&self.waiting, call):
                queue_unlink(&self.resending, call)
            reply = &self.scratch
            self.prepare(reply, call)
        if reply.done_ns:
            how = END_LINGERED  # the reply is complete, whatever becomes of its message
            call.row.flags |= FLAG_LEFT_OPEN
        elif reason != NULL:
            because(reply, reason)
        self.finish(call, reply, how, now)

    cdef bint over(self, bint more_submitted) noexcept nogil:
        """Whether the run has ended. more_submitted: requests are on their way here."""
        return (
            self.input_closed and not more_submitted and self.ready.size == 0 and self.counters.in_flight == 0
            and (self.occupied == 0 or self.life == LIFE_ABANDONED)
        )
