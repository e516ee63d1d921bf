# cython: language_level=3
"""The native event loop as Python sees it.

Python submits finished requests into one mailbox and takes finished responses out of another; nothing crosses
per token or per read.
"""

from libc.stdint cimport int64_t, uint32_t

from fastbench._core.call cimport Call, call_new, take_batch
from fastbench._core.clock cimport mono_ns
from fastbench._core.loop cimport Counters, Loop
from fastbench._core.mailbox cimport Letter, mailbox_fence, mailbox_set, mailbox_put, mailbox_take
from fastbench._core.poll cimport poll_clear, poll_signal
from fastbench._core.ring cimport FLAG_KERNEL, FLAG_STREAM, FLAG_WARMUP
from fastbench._core.turns cimport STALLS_KEPT

from fastbench._core.ring import OUTCOMES


cdef class Reactor(Loop):
    """See `reactor.pyi`. All methods are for threads that hold the GIL."""

    def submit(
        self, bytes payload, *, int64_t request, int64_t offset_ns=0, int64_t due_ns=0, uint32_t sample=0,
        int planned_input=-1, int planned_output=-1, uint32_t session=0, int turn=0, bint more=False,
        bint skip=False, bint stream=True, bint keep_text=False, bint warmup=False,
    ):
        cdef Call* call = call_new(payload, len(payload))
        if call == NULL:
            raise MemoryError()
        call.offset_ns = offset_ns
        call.due_ns = due_ns
        call.more = more
        call.skip = skip
        call.keep_text = keep_text
        call.row.request = request
        call.row.sent_bytes = <uint32_t> len(payload)
        call.row.sample = sample
        call.row.planned_input = planned_input
        call.row.planned_output = planned_output
        call.row.session = session
        call.row.turn = turn
        call.row.flags = FLAG_KERNEL
        if stream:
            call.row.flags |= FLAG_STREAM
        if warmup:
            call.row.flags |= FLAG_WARMUP
        call.submitted_ns = mono_ns()
        self.submitted += 1
        self.submitted_bytes += len(payload)
        mailbox_put(<Letter**> &self.inbox, <Letter*> call)
        # As long as others are ready before it, it is taken whenever the reactor wakes next.
        mailbox_fence()
        if self.hungry or due_ns or skip:
            self.hungry = False
            poll_signal(self.wake_fd)

    def wake(self):
        poll_signal(self.wake_fd)

    def start(self, int64_t start_ns):
        self.start_ns = start_ns
        poll_signal(self.wake_fd)

    def close_input(self):
        mailbox_set(&self.input_over)
        poll_signal(self.wake_fd)

    def release(self):
        self.releases += 1
        poll_signal(self.wake_fd)

    def withdraw(self):
        self.withdrawing = 1
        poll_signal(self.wake_fd)

    def drain(self):
        self.draining = 1
        self.close_input()

    def abort(self, bint abandon=False, bint out_of_time=False):
        self.abandoned = self.abandoned or abandon
        self.out_of_time = out_of_time
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
        poll_clear(self.done_fd)
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
        poll_signal(self.done_fd)

    def snapshot(self):
        cdef Counters now = self.counters
        return {
            "sent": now.sent, "in_flight": now.in_flight, "peak_in_flight": now.peak_in_flight,
            "withdrawn": now.withdrawn, "unsent": now.unsent,
            "output_events": now.output_events, "reads": self.wire.reads,
            "unstamped_reads": self.wire.unstamped_reads, "turns": self.turns.count,
            "stalls": self.turns.stalls, "longest_stall_ns": self.turns.longest_ns, "starved": now.starved,
            "retries": now.retries, "resent": now.resent, "connections": self.wire.connections,
            "connect_failures": self.wire.connect_failures, "open_connections": self.open_conns,
            "connecting": self.connecting, "spilled_rows": self.ring.spilled,
            "clock_steps": self.wire.clock_steps, "cpu_ns": now.cpu_ns,
            "ordinary_ns": self.urgency.spent_ns[0], "real_time_ns": self.urgency.spent_ns[1],
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
