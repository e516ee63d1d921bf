"""The report of the stable stage: the requests that began while the concurrency asked for was reached."""

summarizer = dict(
    attr="performance",
    type="DefaultPerfSummarizer",
    calculator=dict(
        type="StablePerfMetricCalculator",
        # At most 8, any percentile among them.
        stats_list=["Average", "Min", "Max", "Median", "P75", "P90", "P99"],
    ),
)
