# cython: language_level=3
"""When each token is due: fixed times, or a small model of an engine with continuous batching. No clock inside.

Fixed: a request that has a seat gets its first token `ttft_ns` after it was read (or after it got its seat), and each
further one `itl_ns` after the one before; the schedule is absolute, so lateness does not add up.

Batched: the engine works in steps. A step takes the prefill time of the prompts that it admits, but for
what the prefix cache has of them, plus, if sequences
were decoding already, `decode_ns` and `decode_seq_ns` for each of them, four times that where they are more than
`decode_cliff`; and all of it by a speed that may wander. At its end every sequence in the batch,
the admitted ones included, has one more token. Steps follow each other without a pause while there is work.

Both: first in, first out; `max_seqs` sequences at most (a request of n choices is n sequences).
"""

from libc.math cimport cos, exp, log, sqrt
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free, realloc

from fastbench.mock.server.log cimport free_entry
from fastbench.mock.types cimport Stream, mix, unit


cdef double CLIFF = 4
cdef double WANDER_NS = 1e9


cdef Stream* new_stream(int32_t choices) noexcept nogil:
    """A stream that its caller holds; NULL when memory is out."""
    cdef Stream* s = <Stream*> calloc(1, sizeof(Stream))
    if s == NULL:
        return NULL
    s.lengths = <int32_t*> calloc(choices, sizeof(int32_t))
    if s.lengths == NULL:
        free(s)
        return NULL
    s.choices = choices
    s.refs = 1
    return s


cdef void unref(Stream* s) noexcept nogil:
    """Gives up one hold; the last one frees the stream, with its log entry unless the log has got it."""
    s.refs -= 1
    if s.refs == 0:
        free(s.lengths)
        free(s.text.pieces)
        free(s.reasoning.pieces)
        if s.log != NULL:
            free_entry(s.log)
        free(s)


cdef bint heap_push(Heap* heap, int64_t due_ns, Stream* s) noexcept nogil:
    """Adds a node, which holds the stream; False when memory is out."""
    cdef size_t at = heap.count, parent, capacity
    cdef Node* nodes
    if at == heap.capacity:
        capacity = at * 2 if at else 256
        nodes = <Node*> realloc(heap.nodes, capacity * sizeof(Node))
        if nodes == NULL:
            return False
        heap.nodes = nodes
        heap.capacity = capacity
    while at:
        parent = (at - 1) // 2
        if heap.nodes[parent].due_ns <= due_ns:
            break
        heap.nodes[at] = heap.nodes[parent]
        at = parent
    heap.nodes[at].due_ns = due_ns
    heap.nodes[at].stream = s
    heap.count += 1
    s.refs += 1
    return True


cdef Stream* heap_pop(Heap* heap) noexcept nogil:
    """Takes the earliest node off a heap that is not empty; its hold on the stream passes to the caller."""
    cdef Stream* s = heap.nodes[0].stream
    cdef Node last
    cdef size_t at = 0, child
    heap.count -= 1
    last = heap.nodes[heap.count]
    while True:
        child = at * 2 + 1
        if child >= heap.count:
            break
        if child + 1 < heap.count and heap.nodes[child + 1].due_ns < heap.nodes[child].due_ns:
            child += 1
        if last.due_ns <= heap.nodes[child].due_ns:
            break
        heap.nodes[at] = heap.nodes[child]
        at = child
    heap.nodes[at] = last
    return s


cdef bint list_add(List* list, Stream* s) noexcept nogil:
    """Adds a stream and holds it; False when memory is out."""
    cdef Stream** items
    cdef size_t capacity
    if list.count == list.capacity:
        capacity = list.capacity * 2 if list.capacity else 64
        items = <Stream**> realloc(list.items, capacity * sizeof(Stream*))
        if items == NULL:
            return False
        list.items = items
        list.capacity = capacity
    list.items[list.count] = s
    list.count += 1
    s.refs += 1
    return True


cdef class Engine:
    """timing: a `plan.Timing`, times in ns."""

    def __cinit__(self, timing):
        self.batched = timing.batched
        self.ttft_ns = timing.ttft_ns
        self.itl_ns = timing.itl_ns
        self.jitter = timing.jitter
        self.prefill_ns = timing.prefill_ns
        self.decode_ns = timing.decode_ns
        self.decode_seq_ns = timing.decode_seq_ns
        self.decode_cliff = timing.decode_cliff
        self.wander = timing.wander
        self.max_seqs = timing.max_seqs
        self.max_batched_tokens = timing.max_batched_tokens
        self.seed = timing.seed
        self.step_due = NEVER

    def __dealloc__(self):
        cdef size_t i
        while self.due.count:
            unref(heap_pop(&self.due))
        while self.queue != NULL:
            unref(self.take_queued())
        for i in range(self.batch.count):
            unref(self.batch.items[i])
        for i in range(self.next_ready, self.ready.count):
            unref(self.ready.items[i])
        free(self.due.nodes)
        free(self.batch.items)
        free(self.ready.items)

    cdef double vary(self, double ns, uint64_t seed) noexcept nogil:
        """A duration times a uniform number in [1 - jitter, 1 + jitter)."""
        if self.jitter == 0:
            return ns
        return ns * (1 + self.jitter * (2 * unit(mix(seed)) - 1))

    cdef double wandered(self, double ns) noexcept nogil:
        """A step's duration at the engine's speed, whose logarithm forgets itself within `WANDER_NS`."""
        cdef double kept, normal
        if self.wander == 0:
            return ns
        # Box and Muller, of two numbers that no other use of the seed has.
        normal = sqrt(-2 * log(1 - unit(mix(self.seed ^ (self.steps << 1 | 1)))))
        normal *= cos(6.283185307179586 * unit(mix(~(self.seed ^ (self.steps << 1)))))
        kept = exp(-ns / WANDER_NS)
        self.drift = kept * self.drift + sqrt(1 - kept * kept) * self.wander * normal
        return ns * exp(self.drift)

    cdef bint submit(self, Stream* s) noexcept nogil:
        """Takes in a request that arrived and was read at the stream's moments; False when memory is out."""
        s.next = NULL
        if self.queue == NULL:
            self.queue = s
        else:
            self.queue_tail.next = s
        self.queue_tail = s
        s.refs += 1
        s.queued = True
        self.waiting += 1
        if not self.batched:
            return self.admit(s.arrived_ns)  # not the moment of reading: the mock's own lateness is no service time
        return self.step_due != NEVER or self.begin_step(s.received_ns)

    cdef int64_t next_due(self) noexcept nogil:
        """When `pop` will next have something to give, NEVER if that depends on new requests."""
        if self.next_ready < self.ready.count:
            return 0
        if self.batched:
            return self.step_due
        return self.due.nodes[0].due_ns if self.due.count else <int64_t> NEVER

    cdef Stream* pop(self, int64_t now) noexcept nogil:
        """The next stream that has tokens due, NULL when there is none; the caller gets a hold on it.

        A stream that is dead may come too: the caller only gives up the hold.
        """
        while True:
            if self.next_ready < self.ready.count:
                self.next_ready += 1
                return self.ready.items[self.next_ready - 1]
            if not self.batched:
                if self.due.count == 0 or self.due.nodes[0].due_ns > now:
                    return NULL
                return heap_pop(&self.due)
            if self.step_due > now or not self.finish_step():
                return NULL

    cdef void schedule(self, Stream* s, int32_t tokens) noexcept nogil:
        """Fixed times: the next event is due `tokens` gaps after the last one."""
        s.due_ns += <int64_t> self.vary(<double> (tokens * self.itl_ns), s.seed + <uint64_t> s.sent + 1)

    cdef bint wait(self, Stream* s) noexcept nogil:
        """Fixed times: in line for the time that `s.due_ns` says; False when memory is out."""
        return heap_push(&self.due, s.due_ns, s)

    cdef void leave(self, Stream* s, int64_t now) noexcept nogil:
        """The stream needs no more tokens: finished or aborted."""
        if s.dead:
            return
        s.dead = True
        if s.queued:
            self.waiting -= 1
        elif s.seated and not self.batched:
            self.running -= s.choices
            self.admit(now)

    cdef bint has_seat(self, const Stream* s) noexcept nogil:
        return self.max_seqs == 0 or self.running == 0 or self.running + s.choices <= self.max_seqs

    cdef void seat(self, Stream* s) noexcept nogil:
        s.queued = False
        s.seated = True
        self.waiting -= 1
        self.running += s.choices

    cdef Stream* take_queued(self) noexcept nogil:
        """The queue's first stream, with the queue's hold on it."""
        cdef Stream* s = self.queue
        self.queue = s.next
        return s

    cdef bint admit(self, int64_t now) noexcept nogil:
        """Fixed times: gives seats to those who wait, whose first token is due a TTFT after `now`."""
        cdef Stream* s
        cdef bint done = True
        while self.queue != NULL and (self.queue.dead or self.has_seat(self.queue)):
            s = self.take_queued()
            if not s.dead:
                self.seat(s)
                s.due_ns = now + <int64_t> self.vary(<double> self.ttft_ns, s.seed)
                if not s.streaming:
                    self.schedule(s, s.longest - 1)
                done = heap_push(&self.due, s.due_ns, s) and done
            unref(s)
        return done

    cdef bint begin_step(self, int64_t start_ns) noexcept nogil:
        """Batched: admits who came by `start_ns`, or sleeps until a request comes; False when memory is out."""
        cdef Stream* s
        cdef int64_t prompt = 0
        cdef int64_t decoding = self.running
        cdef double duration, step
        cdef bint done = True
        while self.queue != NULL:
            s = self.queue
            if not s.dead:
                if self.running == 0:
                    start_ns = max(start_ns, s.received_ns)
                if s.received_ns > start_ns or not self.has_seat(s):
                    break
                if prompt and prompt + s.prompt_tokens - s.cached_tokens > self.max_batched_tokens:
                    break
                self.seat(s)
                prompt += s.prompt_tokens - s.cached_tokens
                done = list_add(&self.batch, s) and done
            unref(self.take_queued())
        if self.running == 0:
            self.step_due = NEVER
            return done
        duration = <double> prompt * self.prefill_ns
        if decoding:
            step = self.decode_ns + self.decode_seq_ns * <double> decoding
            duration += step * CLIFF if self.decode_cliff and decoding > self.decode_cliff else step
        self.steps += 1
        self.step_due = start_ns + <int64_t> self.wandered(self.vary(duration, self.seed + self.steps))
        return done

    cdef bint finish_step(self) noexcept nogil:
        """Batched: every sequence has one token more, who is complete or dead leaves, the next step begins."""
        cdef size_t i, kept = 0
        cdef Stream* s
        cdef bint done = True
        self.ready.count = 0
        self.next_ready = 0
        self.granted_ns = self.step_due
        for i in range(self.batch.count):
            s = self.batch.items[i]
            if not s.dead:
                s.granted += 1
                done = list_add(&self.ready, s) and done
            if s.dead or s.granted >= s.longest:
                self.running -= s.choices
                unref(s)
            else:
                self.batch.items[kept] = s
                kept += 1
        self.batch.count = kept
        return self.begin_step(self.step_due) and done


def simulate(timing, list requests):
    """When each token of each request is due by this model, without sending any.

    requests: (arrival ns, prompt tokens, output tokens), sorted by arrival. Returns lists of ns in the same order.
    """
    cdef Engine engine = Engine(timing)
    cdef Stream* s
    cdef int64_t now
    cdef dict number = {}
    times = [[] for _ in requests]
    coming = 0
    while True:
        now = engine.next_due()
        if coming < len(requests) and requests[coming][0] <= now:
            s = new_stream(1)
            if s == NULL:
                raise MemoryError
            s.streaming = True
            s.received_ns, s.prompt_tokens, s.longest = requests[coming]
            s.arrived_ns = s.received_ns
            s.lengths[0] = s.longest
            s.seed = mix(engine.seed + <uint64_t> coming)
            number[<size_t> s] = coming
            coming += 1
            engine.submit(s)
            continue
        if now == NEVER:
            break
        s = engine.pop(now)
        if s != NULL:
            due = engine.granted_ns if engine.batched else s.due_ns
            times[number[<size_t> s]].append(due)
            s.sent += 1
            if s.sent == s.longest:
                engine.leave(s, due)
            elif not engine.batched:
                engine.schedule(s, 1)
                engine.wait(s)
            unref(s)
    for held in number:
        unref(<Stream*> <size_t> held)
    return times
