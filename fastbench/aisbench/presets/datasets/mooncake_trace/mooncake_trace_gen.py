"""A trace of a real service: its times, its lengths, its shared blocks."""

mooncake_trace_datasets = [
    dict(
        abbr="mooncake_trace",
        type="MooncakeTraceDataset",
        path="ais_bench/datasets/mooncake_trace/mooncake_trace.jsonl",
        random_seed=0,
        generated_prompts_path="",
        fixed_schedule_auto_offset=False,  # True = the least time becomes 0
        fixed_schedule_start_offset=0,  # ms, the first that is kept
        fixed_schedule_end_offset=-1,  # ms, the last that is kept; -1 = to the end
    )
]
