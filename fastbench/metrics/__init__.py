"""Pure functions: a recording's arrays → the numbers that a report shows. No clock, no file, no printing.

    metrics = compute(Recording(path))     # a `Metrics` (model): every number with its unit

compute, compute_for_page (computed) ── the whole; Metric, OWN_METRICS, all_plugged (metric, own, plugged) ── entries of
the registry; Selection, Rows ── the requests of a report; AskedLoad (asked) ── the requested load, from the header.
samples, fidelity, server, trust ── the parts: what requests took, whether the load was as planned, the server's side,
whether the numbers may be believed
"""

from fastbench.metrics.asked import AskedLoad
from fastbench.metrics.classes import WITHOUT, OfClass, class_name, class_names, classes_of
from fastbench.metrics.common import COMMON_METRICS, length_ns
from fastbench.metrics.computed import Computed, compute, compute_for_page, further, parameter, parameters
from fastbench.metrics.intervals import LatencyInterval, latency_intervals
from fastbench.metrics.metric import Metric, Table, Values
from fastbench.metrics.model import (
    SMOOTHNESS,
    Assertion,
    ClassNumbers,
    ClientEffect,
    ClientError,
    Common,
    Failure,
    GoodRequests,
    Interval,
    Load,
    Metrics,
    Number,
    Output,
    Parameter,
    Quantity,
    ServiceMetrics,
    ServiceVerdict,
    Smoothness,
    Spread,
    StageOfLoad,
    StructuredOutput,
    ToolNumber,
    ToolNumbers,
    Verdict,
)
from fastbench.metrics.own import (
    E2EL,
    FIRST_ANSWER_TOKEN,
    INPUT_TOKENS,
    ITL,
    OUTPUT_TOKENS,
    OWN_METRICS,
    SECOND_TOKEN,
    THINKING_TIME,
    TPOT,
    TTFT,
)
from fastbench.metrics.plugged import all_plugged
from fastbench.metrics.samples.selection import Rows, Selection
from fastbench.metrics.samples.statistics import ArraySamples

__all__ = [
    "COMMON_METRICS",
    "E2EL",
    "FIRST_ANSWER_TOKEN",
    "INPUT_TOKENS",
    "ITL",
    "OUTPUT_TOKENS",
    "OWN_METRICS",
    "SECOND_TOKEN",
    "SMOOTHNESS",
    "THINKING_TIME",
    "TPOT",
    "TTFT",
    "WITHOUT",
    "ArraySamples",
    "AskedLoad",
    "Assertion",
    "ClassNumbers",
    "ClientEffect",
    "ClientError",
    "Common",
    "Computed",
    "Failure",
    "GoodRequests",
    "Interval",
    "LatencyInterval",
    "Load",
    "Metric",
    "Metrics",
    "Number",
    "OfClass",
    "Output",
    "Parameter",
    "Quantity",
    "Rows",
    "Selection",
    "ServiceMetrics",
    "ServiceVerdict",
    "Smoothness",
    "Spread",
    "StageOfLoad",
    "StructuredOutput",
    "Table",
    "ToolNumber",
    "ToolNumbers",
    "Values",
    "Verdict",
    "all_plugged",
    "class_name",
    "class_names",
    "classes_of",
    "compute",
    "compute_for_page",
    "further",
    "latency_intervals",
    "length_ns",
    "parameter",
    "parameters",
]
