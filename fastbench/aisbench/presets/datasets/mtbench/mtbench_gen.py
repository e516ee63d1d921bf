"""Conversations of MT-Bench, two turns each."""

mtbench_datasets = [
    dict(
        abbr="mtbench",
        type="MTBenchDataset",
        path="ais_bench/datasets/mtbench/question.jsonl",
        # "every": with the service's own replies as history; "every_with_gt": with those of the data set;
        # "last": only the last turn is sent.
        infer_cfg=dict(inferencer=dict(type="MultiTurnGenInferencer", infer_mode="every")),
    )
]
