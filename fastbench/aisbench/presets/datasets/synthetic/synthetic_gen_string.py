"""Random prompts whose lengths, and those of the answers, follow a distribution."""

synthetic_config = {
    "Type": "string",
    "RequestCount": 10,
    "StringConfig": {
        "Input": {
            "Method": "uniform",  # or "gaussian" (Mean, Var), or "zipf" (Alpha), each with MinValue and MaxValue
            "Params": {"MinValue": 1, "MaxValue": 200},
        },
        "Output": {
            "Method": "gaussian",
            "Params": {"Mean": 100, "Var": 200, "MinValue": 1, "MaxValue": 100},
        },
    },
}

synthetic_datasets = [dict(abbr="synthetic", type="SyntheticDataset", config=synthetic_config)]
