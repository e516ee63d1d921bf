"""How long a request waited for its connection."""

from fastbench.metrics import Metric, Values

CONNECT_TIME = Metric(
    name="ConnectTime",
    unit="ms",
    about="time that a request waited for a new connection; 0 where one was open",
    formula="connect_ns",
    values=lambda rows: Values(rows["connect_ns"], rows["sent_ns"] > 0),  # each request's, and which have one
    scale=1e6,  # a ms has so many of the ns that the values are in
    column="connect_ms",  # of exports
    in_intervals=True,  # in histogram logs
    headlines=("Median",),  # at the top of the page
    has_curve=True,  # its percentiles on the page
)
