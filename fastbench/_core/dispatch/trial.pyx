# cython: language_level=3
"""The dispatcher as a Python object: a test says what happens and when, and sees what it decides."""

cimport cython
from libc.stdint cimport int64_t, uintptr_t
from libc.stdlib cimport calloc, free

from fastbench._core.call cimport Call, call_new, take_batch
from fastbench._core.dispatch.dispatcher cimport (
    LIFE_ABANDONED, LIFE_ABORTING, LIFE_DRAINING, LIFE_RUNNING, LIFE_WITHDRAWING, Dispatcher,
)
from fastbench._core.dispatch.queues cimport CallQueue
from fastbench._core.ring cimport FLAG_STREAM
from fastbench._core.wire.reply cimport REPLY_COMPLETE, ReplyStep, reply_feed, reply_free
from fastbench._core.wire.reply_state cimport (
    END_CANCELLED, END_CLOSED, END_COMPLETE, END_LINGERED, END_RESET, END_TIMEOUT, End, Reply,
)

from fastbench._core.layout import names_by_code
from fastbench._core.ring import OUTCOMES

LIVES = names_by_code({
    LIFE_RUNNING: "running", LIFE_WITHDRAWING: "withdrawing", LIFE_DRAINING: "draining", LIFE_ABORTING: "aborting",
    LIFE_ABANDONED: "abandoned",
}, LIFE_ABANDONED + 1)
NEVER = 0x7fffffffffffffff
_ENDS = {"complete": END_COMPLETE, "closed": END_CLOSED, "reset": END_RESET}


@cython.no_gc_clear  # the ring must still stand when the last stamps go back to it
cdef class DispatcherTrial(Dispatcher):
    """See `trial.pyi`. Each request that is on a connection has a reply of its own here."""
    cdef dict calls      # request -> call, until it has ended
    cdef dict replies    # request -> its reply, while it is on a connection

    def __cinit__(self, spec, **plan):
        self.calls = {}
        self.replies = {}

    def __dealloc__(self):
        for reply in (self.replies or {}).values():
            reply_free(<Reply*> <uintptr_t> reply)
            free(<void*> <uintptr_t> reply)

    cdef Call* call_of(self, int64_t request) except NULL:
        return <Call*> <uintptr_t> self.calls[request]

    cdef Reply* reply_of(self, int64_t request) except NULL:
        return <Reply*> <uintptr_t> self.replies[request]

    cdef leave(self, int64_t request):
        """It is on no connection any more."""
        cdef Reply* reply = <Reply*> <uintptr_t> self.replies.pop(request)
        reply_free(reply)
        free(reply)

    cdef said(self, Call* call):
        return None if call == NULL else call.row.request

    def submit_at(
        self, int64_t now, int64_t request, *, int64_t offset_ns=0, int64_t due_ns=0, bint more=False, bint skip=False,
    ):
        cdef Call* call = call_new(b"request", 7)
        if call == NULL:
            raise MemoryError()
        call.row.request = request
        call.row.flags = FLAG_STREAM
        call.offset_ns = offset_ns
        call.due_ns = due_ns
        call.more = more
        call.skip = skip
        call.submitted_ns = now
        self.calls[request] = <uintptr_t> call
        self.submit(call, now)

    def start_at(self, int64_t start_ns):
        self.start_ns = start_ns

    def enter(self, str life, int64_t now, *, bint out_of_time=False):
        self.life = LIVES.index(life)
        self.withdrawn = self.withdrawn or life == "withdrawing"
        self.out_of_time = out_of_time
        self.input_closed = self.input_closed or self.life >= LIFE_DRAINING
        self.end_unsent(now)

    def close_input(self):
        self.input_closed = True

    def release_at(self, int64_t now):
        self.release(now)

    def set_slots_at(self, int64_t now, int wanted, *, int64_t first=0):
        self.set_slots(wanted, first, now)

    def known_at(self, int64_t now):
        return self.known(now)

    def due(self, int64_t now):
        return self.next_due(now)

    def send_due(self, int64_t now):
        cdef int64_t due = self.next_due(now)
        if due > now:
            raise ValueError(f"nothing is due before {due}")
        return self.said(self.take_due(due, now))

    def send_again(self, int64_t now):
        return self.said(self.take_again(now))

    def let_wait(self, int64_t request):
        self.wait(self.call_of(request))

    def opened(self):
        return self.said(self.take_waiting())

    def wanted(self):
        return self.connections_wanted()

    def on_connections(self):
        return list(self.replies)

    def put_on_connection(self, int64_t request, int64_t now, *, int64_t opened_ns=0, bint sent=True):
        cdef Call* call = self.call_of(request)
        cdef Reply* reply = <Reply*> calloc(1, sizeof(Reply))
        if reply == NULL:
            raise MemoryError()
        self.replies[request] = <uintptr_t> reply
        call.attempt_ns = 0
        self.prepare(reply, call)
        if sent:
            self.note_sent(call, opened_ns, now)
        else:
            self.begin_attempt(call, now)

    def read(self, int64_t request, bytes data, int64_t now):
        cdef Reply* reply = self.reply_of(request)
        cdef size_t left = 0
        cdef ReplyStep step = reply_feed(reply, self.ring, data, len(data), now, 0, &left)
        if reply.read_events:
            self.note_output(reply.call)
        if reply.done_ns and step != REPLY_COMPLETE:
            self.linger(reply.call, now)
        return step == REPLY_COMPLETE

    def end(self, int64_t request, int64_t now, *, str how="complete"):
        self.finish(self.call_of(request), self.reply_of(request), _ENDS[how], now)
        self.leave(request)

    def lose_connection(self, int64_t request, int64_t now, *, str how="closed", bint served=False):
        self.lose(self.call_of(request), self.reply_of(request), _ENDS[how], served, now)
        self.leave(request)

    def refuse_connection(self, int64_t connecting, bytes reason, int64_t now):
        self.refuse(connecting, reason, len(reason), now)

    def end_with_run(self, int64_t now):
        cdef const char* reason = NULL
        cdef Call* call = self.cancelled(&reason)
        while call != NULL:
            self.end_one(call, END_CANCELLED, reason, now)
            call = self.cancelled(&reason)

    def expire(self, int64_t now):
        cdef const char* reason = NULL
        cdef Call* call = self.expired(now, &reason)
        while call != NULL:
            self.end_one(call, END_TIMEOUT, reason, now)
            call = self.expired(now, &reason)
        call = self.take_lingerer(now)
        while call != NULL:
            if self.reply_of(call.row.request).done_ns:
                self.end_one(call, END_LINGERED, NULL, now)
            call = self.take_lingerer(now)

    cdef end_one(self, Call* call, End how, const char* reason, int64_t now):
        cdef int64_t request = call.row.request
        if request in self.replies:
            self.end_early(call, self.reply_of(request), how, reason, now)
            self.leave(request)
        else:
            self.end_early(call, NULL, how, reason, now)

    def is_over(self, bint more_submitted=False):
        return self.over(more_submitted)

    def take_ended(self):
        cdef Call* calls = self.ended.head
        if calls == NULL:
            return None
        self.ended = CallQueue(NULL, NULL, 0)
        return take_batch(calls)

    def counts(self):
        return {
            "in_flight": self.counters.in_flight, "peak": self.counters.peak_in_flight,
            "answering": self.counters.answering, "occupied": self.occupied,
            "launched": self.counters.launched, "bytes": self.counters.launched_bytes, "sent": self.counters.sent,
            "withdrawn": self.counters.withdrawn, "unsent": self.counters.unsent, "starved": self.counters.starved,
            "retries": self.counters.retries, "resent": self.counters.resent, "waiting": self.waiting.size,
            "ended": sum(self.counters.outcomes[code] for code in range(len(OUTCOMES))),
        }
