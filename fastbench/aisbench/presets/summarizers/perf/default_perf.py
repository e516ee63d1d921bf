"""The usual report: all requests of the measurement."""

summarizer = dict(
    attr="performance",
    type="DefaultPerfSummarizer",
    calculator=dict(
        type="DefaultPerfMetricCalculator",
        # At most 8, any percentile among them.
        stats_list=["Average", "Min", "Max", "Median", "P75", "P90", "P99"],
    ),
)
