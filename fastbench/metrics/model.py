"""The result of `compute`: the numbers of a report, in the units in which they are shown."""

from __future__ import annotations

import msgspec

Number = int | float | None
"""A number of a report; None where there is nothing to compute it from."""
Interval = tuple[float, float]
"""The least and the most that a number can be."""


class Parameter(msgspec.Struct, frozen=True):
    """A row of the table "Performance Parameters". values: by statistic; marked: those of too few samples.

    bounds: the least and the most that a statistic can be, where the client's stalls leave it uncertain; unsure: those
    that they leave too uncertain.

    intervals: between what a statistic lies with 95 % confidence, as far as the run tells: of the average and of
    percentiles. blocks: of how many blocks of time that was computed; 0 = the run is too short to tell.
    """

    name: str
    unit: str
    values: dict[str, Number]
    n: int
    samples: int
    marked: tuple[str, ...] = ()
    bounds: dict[str, Interval] = {}
    unsure: tuple[str, ...] = ()
    intervals: dict[str, Interval] = {}
    blocks: int = 0


class Common(msgspec.Struct, frozen=True):
    """A row of the table "Common Metric"."""

    name: str
    unit: str
    value: Number


class Failure(msgspec.Struct, frozen=True):
    """Requests that ended alike: outcome, HTTP status (0: none came), the first one's message."""

    outcome: str
    status: int
    count: int
    message: str


class Quantity(msgspec.Struct, frozen=True):
    """A measured quantity of the trust block. values: by statistic."""

    unit: str
    samples: int
    values: dict[str, Number]


class ArrivalFit(msgspec.Struct, frozen=True):
    """Kolmogorov-Smirnov test of the sent arrivals' intervals against the requested process.

    samples: each the sum of `intervals_each` neighbouring intervals, beside which the client's lateness is small.
    distance: between the two distributions; p_value: the probability, at most, of such a distance if the process is
    followed.
    """

    samples: int
    intervals_each: int
    distance: float
    p_value: float
    significance: float

    @property
    def follows(self) -> bool:
        """Whether the test does not reject the requested process."""
        return self.p_value >= self.significance


class Load(msgspec.Struct, frozen=True):
    """Whether the requested load was sent. Rates in req/s.

    arrival: the requested process. configured_rate: of the plan; asked_rate: of the intended moments; sent_rate: of the
    moments sent. steady_concurrency: requests in flight, averaged over the time between the first moment at which the
    peak is reached and the last request sent. service_time: E2EL, for the place beside the response time.
    """

    kind: str
    arrival: str
    peak_concurrency: int
    steady_concurrency: float | None
    max_concurrency: int | None
    configured_rate: float | None
    asked_rate: float | None
    sent_rate: float | None
    arrival_fit: ArrivalFit | None
    send_lateness: Quantity
    response_time: Quantity
    service_time: Quantity
    ttft_from_intended: Quantity
    dropped: int
    retried_requests: int
    resent_requests: int
    failed_attempts: int


class ClientError(msgspec.Struct, frozen=True):
    """The client's error. lag:

    from a read's arrival until the client noticed it. starved: requests whose bytes were not ready in time;
    starved_turns: how often the reactor found none. uncertain_*: gaps and TTFTs that a stall blurred, by at most the
    bound; notable_*: gaps blurred by more than 1 % of the ITL median. real_time_share: of the time of the load, how
    long the system ran the thread that sends and reads before all ordinary ones; busy_share: how long it computed; None
    = not recorded.
    """

    stamps: str
    kernel_stamp_share: float | None
    reads: int
    unstamped_reads: int
    lag: Quantity
    stalls: int
    stall_longest_ms: float
    stall_total_ms: float
    starved: int
    starved_turns: int
    uncertain_gaps: int
    uncertain_gap_share: float | None
    notable_gaps: int
    notable_gap_share: float | None
    bound_max_ms: float
    uncertain_ttfts: int
    ttft_bound_max_ms: float
    clipped_requests: int
    cpu_s: float
    real_time_share: float | None
    busy_share: float | None


SEVERAL = 1.05
"""Tokens per event from which on ITL is another quantity than the time per token."""


class Output(msgspec.Struct, frozen=True):
    """How output events relate to tokens.

    shared_events: those that came in one read with an earlier event; multi_token_events: those that are known to hold
    several tokens, because the service said how many; tokens_per_event: of the requests whose tokens somebody counted;
    itl_per_token_ms: the mean gap / tokens_per_event. cached_share: input tokens that came from the service's prefix
    cache, of the requests for which it was reported.
    """

    events: int
    gaps: int
    shared_events: int
    shared_share: float | None
    multi_token_events: int
    multi_token_share: float | None
    tokens_per_event: float | None
    itl_per_token_ms: float | None
    cached_share: float | None
    input_sources: dict[str, int]
    output_sources: dict[str, int]

    @property
    def holds_several(self) -> bool:
        """Whether events hold clearly more than one token, by the counts of whole replies."""
        return (self.tokens_per_event or 0) > SEVERAL


class Spread(msgspec.Struct, frozen=True):
    """A figure of the metrics page over the scrapes of the stage."""

    average: float
    maximum: float


class ServiceMetrics(msgspec.Struct, frozen=True):
    """The service's metrics page over the stage. Shares of 1; None where the page has no figure.

    scrapes, failed: of the whole run; error: why the first one failed. counted_s: from the scrape before the stage to
    the one after it, between which the counters rose by generated_tokens and preemptions.
    """

    url: str
    scrapes: int
    failed: int
    error: str | None
    requests_running: Spread | None
    requests_waiting: Spread | None
    kv_cache_use: Spread | None
    prefix_cache_hit_rate: float | None
    preemptions: int | None
    generated_tokens: int | None
    counted_s: float | None


class ClientEffect(msgspec.Struct, frozen=True):
    """The largest effect that the client can have had.

    off_ms: by how much the median and P99 of TTFT and ITL may be off; bounds: between what they lie, ms, where marks
    leave them uncertain. load_share: what was taken from the load, a share of 1: of a closed loop slot_share, of an
    open loop what was sent less than asked. slot_share: the part of its slots' time in which the client left them
    empty. ramp_ms: from the first send until all slots were in flight, own_ramp_ms: without what the service took to
    accept connections; first_wave: how many those were. lateness_ms: the P99 of the client's own lateness.
    """

    off_ms: dict[str, dict[str, float]]
    bounds: dict[str, dict[str, Interval]]
    load_share: float | None
    slot_share: float | None
    ramp_ms: float | None
    own_ramp_ms: float | None
    first_wave: int
    lateness_ms: float | None


class Reason(msgspec.Struct, frozen=True):
    """Why the numbers are not to be trusted: clauses of one sentence, the cause and the remedy without a capital."""

    effect: str
    cause: str
    remedy: str

    @property
    def sentence(self) -> str:
        """All three."""
        return f"{self.effect}, because {self.cause}: {self.remedy}."


class Verdict(msgspec.Struct, frozen=True):
    """Whether the numbers may be used as they stand; the reasons if not."""

    valid: bool
    reasons: tuple[Reason, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasons as they are shown."""
        return tuple(reason.sentence for reason in self.reasons)

    @property
    def word(self) -> str:
        """VALID or INVALID."""
        return "VALID" if self.valid else "INVALID"


class StageOfLoad(msgspec.Struct, frozen=True):
    """A stage of a load whose rate changes; times in s since the first request was sent, rates in req/s.

    asked_rate: the plan's, of a ramp the middle of the step; None where clients decide. intended_rate: of the moments
    that the plan has in the stage. ttft_ms, tpot_ms: by statistic; None for a percentile of too few samples.
    in_flight: averaged over the stage. kept_up: kept up, overloaded or too short to tell; None for a closed loop.
    """

    name: str
    begin_s: float
    end_s: float
    asked_rate: float | None
    intended_rate: float | None
    sent_rate: float
    answered_rate: float
    requests: int
    ttft_ms: dict[str, Number]
    tpot_ms: dict[str, Number]
    in_flight: float | None
    kept_up: str | None
    onset_s: float | None


class ServiceVerdict(msgspec.Struct, frozen=True):
    """Whether the service kept up, and what failed.

    state: kept up, overloaded, too short to tell, closed loop, no end (the recording ends before the run did). onset_s:
    since the first request was sent. Rates, req/s: in an overload from its onset to the end of sending, else from when
    the pipeline had filled; answered: successfully. queue: begun and not ended when sending ended; waiting: of them,
    those without a first token, None without streams. limit: the one in flight, where it was reached and so decided
    when requests went out. failed_share: of those that ended. reasons: such as
    `17 HTTP 503`, the most frequent first. kept_up_to: the highest rate of a stage that it kept up with.
    """

    state: str
    onset_s: float | None
    asked_rate: float | None
    sent_rate: float | None
    answered_rate: float | None
    queue: int | None
    waiting: int | None
    limit: int | None
    answered: int
    failed: int
    failed_share: float | None
    reasons: tuple[str, ...]
    kept_up_to: float | None


class Stretch(msgspec.Struct, frozen=True):
    """The part of the run that a stage is about, s since the first request was sent. method: how it was found."""

    begin_s: float
    end_s: float
    method: str


class GoodRequests(msgspec.Struct, frozen=True):
    """What became of one SLO.

    slo: in words. requests: that have an outcome; good: of them. interval: of their share, 95 %, None: the run is too
    short to tell. design_effect: how many requests tell as much as one independent one. request_rate, req/s, and
    token_rate, token/s: of the good ones. broken: the others by what broke first, the most frequent first. met: None:
    cannot tell, `why` says why.
    """

    slo: str
    requests: int
    good: int
    share: Number
    interval: Interval | None
    design_effect: Number
    request_rate: Number
    token_rate: Number
    broken: dict[str, int]
    met: bool | None
    why: str = ""

    @property
    def word(self) -> str:
        """met, not met or cannot tell."""
        return "cannot tell" if self.met is None else "met" if self.met else "not met"


class Assertion(msgspec.Struct, frozen=True):
    """A statement of `--assert`. value: what was found, in the unit of its limit. met: None: cannot tell, `why` says
    why."""

    text: str
    value: Number
    unit: str
    met: bool | None
    why: str = ""

    @property
    def word(self) -> str:
        """met, not met or cannot tell."""
        return "cannot tell" if self.met is None else "met" if self.met else "not met"


SMOOTHNESS = {
    "Stalls": ("gaps of a stream that are stalls", "gap >= --stall and gap >= 10 * the stream's median gap"),
    "Longest Stall": ("the longest stall of a stream, 0 without any", "max(stalls)"),
    "Tokens In Time": (
        "tokens of a stream that arrive before a reader comes to them, of 100",
        "token_ns[k] <= first_token_ns + k / --reading-speed",
    ),
}
"""The rows of the further table that are asked for: what each is, and its formula."""


class Smoothness(msgspec.Struct, frozen=True):
    """How a reader feels the successful streams.

    stall_ms: the gap from which on it may be a stall; None: stalls were not asked for, nor counted. stalls: gaps;
    stalled: streams with one at least; longest_ms: the longest stall. reading_speed: tokens/s; None: it was not asked
    for. tokens: of them in_time those that arrived by their deadline.
    """

    streams: int
    stall_ms: Number
    stalls: int
    stalled: int
    longest_ms: Number
    reading_speed: Number
    tokens: int
    in_time: int

    @property
    def stalled_share(self) -> float | None:
        """Of the streams, of 1."""
        return self.stalled / self.streams if self.streams else None

    @property
    def in_time_share(self) -> float | None:
        """Of the tokens, of 1."""
        return self.in_time / self.tokens if self.tokens else None


class ToolNumber(msgspec.Struct, frozen=True):
    """A number by a tool's rule. metric: fastbench's, beside which it stands; called: as the tool calls it; formula:
    the rule. values: by statistic; of a rate the one that it has, as `Average`. samples: their number, or the sum of
    their weights; None of a rate."""

    metric: str
    called: str
    unit: str
    formula: str
    values: dict[str, Number]
    samples: int | None


class ToolNumbers(msgspec.Struct, frozen=True):
    """The numbers that a tool would have. sources: the files in which its rules stand; notes: whose tokens it counts,
    how it makes percentiles, what a recording cannot show, a clause each."""

    name: str
    rows: tuple[ToolNumber, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...]


class StructuredOutput(msgspec.Struct, frozen=True):
    """Replies whose text was checked against what their requests asked for: a JSON schema, a regular expression, ….

    checked: successful ones; valid: of them. faults: the others by what is wrong, the most frequent first.
    """

    checked: int
    valid: int
    faults: dict[str, int]

    @property
    def share(self) -> float:
        """Of the valid ones, of 1."""
        return self.valid / self.checked


class ClassNumbers(msgspec.Struct, frozen=True):
    """The numbers of the requests of one class, under the names that those of all have in `Metrics`; rates are over the
    time of all."""

    name: str
    outcomes: dict[str, int]
    success: int
    parameters: tuple[Parameter, ...]
    common: tuple[Common, ...]
    further: tuple[Parameter, ...]
    not_sent: int = 0
    structured: StructuredOutput | None = None
    slos: tuple[GoodRequests, ...] = ()

    @property
    def requests(self) -> int:
        """All that have an outcome."""
        return sum(self.outcomes.values())


class Metrics(msgspec.Struct, frozen=True):
    """All numbers of one stage of one recording.

    window: None = the whole run. further: the rows of the table "Further Parameters". finish_reasons: requests by the
    service's word. outcomes: by name; their sum is the number planned, or that begun in the window. not_sent: of them
    those that never went out. kept_up: the service's own verdict. stages: of the whole run's load.
    service: None = its metrics page was not asked for. structured: None = no reply was checked. slos, assertions,
    smoothness, by_tool: what was asked beyond the numbers. classes: the numbers of each class of requests; () = they
    have none.
    """

    stage: str
    window: Stretch | None
    stats: tuple[str, ...]
    success: int
    parameters: tuple[Parameter, ...]
    common: tuple[Common, ...]
    further: tuple[Parameter, ...]
    finish_reasons: dict[str, int]
    outcomes: dict[str, int]
    failures: tuple[Failure, ...]
    load: Load
    client: ClientError
    effect: ClientEffect
    output: Output
    service: ServiceMetrics | None
    verdict: Verdict
    kept_up: ServiceVerdict
    stages: tuple[StageOfLoad, ...]
    not_sent: int
    notes: tuple[str, ...]
    slos: tuple[GoodRequests, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    smoothness: Smoothness | None = None
    by_tool: tuple[ToolNumbers, ...] = ()
    structured: StructuredOutput | None = None
    classes: tuple[ClassNumbers, ...] = ()
