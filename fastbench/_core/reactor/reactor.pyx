# cython: language_level=3
"""The native event loop as Python sees it.

Python submits finished requests into one mailbox and takes finished responses out of another; nothing crosses
per token or per read.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from fastbench._core.arrays cimport int64s
from fastbench._core.call cimport Call, call_new, calls_free, take_batch
from fastbench._core.dispatch.dispatcher cimport (
    LIFE_ABANDONED, LIFE_ABORTING, LIFE_DRAINING, LIFE_WITHDRAWING, Counters, Life,
)
from fastbench._core.reactor.clock cimport mono_ns
from fastbench._core.reactor.lateness cimport STALLS_KEPT, Stall
from fastbench._core.reactor.loop cimport Loop
from fastbench._core.reactor.mailbox cimport Letter, mailbox_put, mailbox_put_all, mailbox_take
from fastbench._core.reactor.poll cimport poll_clear, poll_signal
from fastbench._core.reactor.priority cimport WANTED_NICE, fb_priority_nice, fb_priority_renice, priority_is_ours
from fastbench._core.ring cimport FLAG_KERNEL, FLAG_STREAM, FLAG_WARMUP
from fastbench._core.shared cimport shared_add, shared_get, shared_put, shared_raise, shared_swap

from fastbench._core.ring import OUTCOMES

cdef int64_t NEVER = 0x7fffffffffffffffLL


cdef uint16_t flags_of(bint stream, bint warmup) noexcept nogil:
    return FLAG_KERNEL | (FLAG_STREAM if stream else 0) | (FLAG_WARMUP if warmup else 0)


def favour_thread():
    if not priority_is_ours():
        return False
    fb_priority_renice(WANTED_NICE)
    return fb_priority_nice() == WANTED_NICE


def favour_thread_no_more():
    fb_priority_renice(0)


cdef class Reactor(Loop):
    """See `reactor.pyi`. All methods are for threads that hold the GIL."""

    def submit(
        self, bytes payload, *, int64_t request, int64_t offset_ns=0, int64_t due_ns=0, uint32_t sample=0,
        int planned_input=-1, int planned_output=-1, uint32_t session=0, int turn=0, bint more=False,
        bint skip=False, bint stream=True, bint keep_text=False, bint warmup=False, uint8_t class_number=0,
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
        call.row.class_number = class_number
        call.row.flags = flags_of(stream, warmup)
        call.submitted_ns = mono_ns()
        self.submitted += 1
        self.submitted_bytes += len(payload)
        mailbox_put(<Letter**> &self.inbox, <Letter*> call)
        # As long as others are ready before it, it is taken whenever the reactor wakes next.
        if shared_swap(&self.hungry, False) or due_ns or skip:
            poll_signal(self.wake_fd)

    def submit_many(
        self, bytes payloads, ends, requests, offsets_ns, samples, planned_input, planned_output, class_numbers, *,
        bint stream=True, bint keep_text=False, bint warmup=False,
    ):
        cdef const int64_t* end = int64s(ends)
        cdef const int64_t* request = int64s(requests)
        cdef const int64_t* offset_ns = int64s(offsets_ns)
        cdef const int64_t* sample = int64s(samples)
        cdef const int64_t* input_of = int64s(planned_input)
        cdef const int64_t* output_of = int64s(planned_output)
        cdef const int64_t* class_of = int64s(class_numbers)
        cdef Py_ssize_t count = ends.size, k
        cdef const char* at = payloads
        cdef int64_t begin = 0, now
        cdef Call* first = NULL
        cdef Call* last = NULL
        cdef Call* call
        if not (
            requests.size == offsets_ns.size == samples.size == planned_input.size == planned_output.size
            == class_numbers.size == count
        ):
            raise ValueError("a column is not as long as the others")
        for k in range(count):
            if not begin <= end[k] <= len(payloads):
                raise ValueError("the ends are not places in the bytes, one behind the other")
            begin = end[k]
        begin = 0
        for k in range(count):
            call = call_new(at + begin, <size_t> (end[k] - begin))
            if call == NULL:
                calls_free(last)
                raise MemoryError()
            call.next = last
            last = call
            if first == NULL:
                first = call
            call.offset_ns = offset_ns[k]
            call.keep_text = keep_text
            call.row.request = request[k]
            call.row.sent_bytes = <uint32_t> (end[k] - begin)
            call.row.sample = <uint32_t> sample[k]
            call.row.planned_input = <int32_t> input_of[k]
            call.row.planned_output = <int32_t> output_of[k]
            call.row.class_number = <uint8_t> class_of[k]
            call.row.flags = flags_of(stream, warmup)
            begin = end[k]
        if last == NULL:
            return
        now = mono_ns()
        call = last
        while call != NULL:
            call.submitted_ns = now
            call = call.next
        self.submitted += count
        self.submitted_bytes += begin
        mailbox_put_all(<Letter**> &self.inbox, <Letter*> last, <Letter*> first)
        if shared_swap(&self.hungry, False):
            poll_signal(self.wake_fd)

    def wake(self):
        poll_signal(self.wake_fd)

    def start(self, int64_t start_ns):
        shared_put(&self.given_start_ns, start_ns)
        poll_signal(self.wake_fd)

    cdef wish(self, Life life):
        """The run is to be in this stage, or stay in a later one."""
        shared_raise(&self.wished.life, life)
        poll_signal(self.wake_fd)

    def close_input(self):
        shared_put(&self.wished.input_closed, True)
        poll_signal(self.wake_fd)

    def release(self):
        shared_add(&self.releases, 1)
        poll_signal(self.wake_fd)

    def ask_for_slots(self, int wanted, int64_t first):
        if shared_get(&self.given_start_ns) == NEVER:
            raise RuntimeError("the slots of a load can be changed once it has a start")
        if self.slots_ns is None:
            raise RuntimeError("the slots that were asked for before are not there yet")
        if not self.dispatcher.closed_loop or not 0 <= wanted <= self.dispatcher.slots.room:
            raise ValueError(f"{wanted} slots cannot be had: of a closed loop, 0 to {self.dispatcher.slots.room}")
        shared_put(&self.slots_wished.wanted, wanted)
        shared_put(&self.slots_wished.first, first)
        shared_put(&self.slots_wished.number, self.slots_wished.number + 1)
        poll_signal(self.wake_fd)

    @property
    def slots_ns(self):
        if shared_get(&self.slots_set) < self.slots_wished.number:
            return None
        return self.slots_set_ns

    @property
    def known_ns(self):
        return shared_get(&self.known_ns)

    def withdraw(self):
        shared_put(&self.wished.withdrawn, True)
        self.wish(LIFE_WITHDRAWING)

    def drain(self):
        shared_put(&self.wished.input_closed, True)
        self.wish(LIFE_DRAINING)

    def abort(self, bint abandon=False, bint out_of_time=False):
        if out_of_time:
            shared_put(&self.wished.out_of_time, True)
        shared_put(&self.wished.input_closed, True)
        self.wish(LIFE_ABANDONED if abandon else LIFE_ABORTING)

    @property
    def spec(self):
        return self.dispatcher.spec

    @property
    def limit(self):
        return self.dispatcher.limit

    @property
    def backlog(self):
        return self.submitted - shared_get(&self.dispatcher.counters.launched)

    @property
    def backlog_bytes(self):
        return self.submitted_bytes - shared_get(&self.dispatcher.counters.launched_bytes)

    def be_patient(self, int64_t least):
        shared_put(&self.patience, least)

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
        cdef Counters* counters = &self.dispatcher.counters
        return {
            "sent": shared_get(&counters.sent),
            "in_flight": shared_get(&counters.in_flight),
            "peak_in_flight": shared_get(&counters.peak_in_flight),
            "answering": shared_get(&counters.answering),
            "withdrawn": shared_get(&counters.withdrawn),
            "unsent": shared_get(&counters.unsent),
            "output_events": shared_get(&self.output_events),
            "reads": shared_get(&self.wire.reads),
            "unstamped_reads": shared_get(&self.wire.unstamped_reads),
            "turns": shared_get(&self.lateness.count),
            "stalls": shared_get(&self.lateness.stalls),
            "longest_stall_ns": shared_get(&self.lateness.longest_ns),
            "starved": shared_get(&counters.starved),
            "retries": shared_get(&counters.retries),
            "resent": shared_get(&counters.resent),
            "connections": shared_get(&self.wire.connections),
            "connect_failures": shared_get(&self.wire.connect_failures),
            "open_connections": shared_get(&self.open_conns),
            "connecting": shared_get(&self.connecting),
            "spilled_rows": shared_get(&self.ring.spilled),
            "clock_steps": shared_get(&self.wire.clock_steps),
            "cpu_ns": shared_get(&self.cpu_ns),
            "ordinary_ns": shared_get(&self.priority.spent_ns[0]),
            "real_time_ns": shared_get(&self.priority.spent_ns[1]),
            "outcomes": {name: shared_get(&counters.outcomes[code]) for code, name in enumerate(OUTCOMES) if code},
        }

    def stalls_since(self, int64_t seen):
        cdef int64_t total = shared_get(&self.lateness.stalls)
        cdef int64_t k
        cdef Stall* kept
        first = max(seen, total - STALLS_KEPT)
        stalls = []
        for k in range(first, total):
            kept = &self.lateness.kept[k % STALLS_KEPT]
            stalls.append((shared_get(&kept.start_ns), shared_get(&kept.duration_ns)))
        return total, stalls
