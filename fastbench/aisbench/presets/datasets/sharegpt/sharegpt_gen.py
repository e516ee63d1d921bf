"""Conversations of ShareGPT, turn by turn."""

sharegpt_datasets = [
    dict(
        abbr="sharegpt",
        type="ShareGPTDataset",
        path="ais_bench/datasets/sharegpt/ShareGPT_V3_unfiltered_cleaned_split.json",
        disable_shuffle=True,
        # "every": with the service's own replies as history; "every_with_gt": with those of the data set;
        # "last": only the last turn is sent.
        infer_cfg=dict(inferencer=dict(type="MultiTurnGenInferencer", infer_mode="every")),
    )
]
