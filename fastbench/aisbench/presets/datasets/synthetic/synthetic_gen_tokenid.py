"""Random prompts of one length, made of the tokens of the model's own vocabulary."""

synthetic_config = {
    "Type": "tokenid",
    "RequestCount": 10,
    "TokenIdConfig": {
        "RequestSize": 10,
        "PrefixLen": 0,  # tokens at the start that all prompts have in common
    },
}

synthetic_datasets = [dict(abbr="synthetic", type="SyntheticDataset", config=synthetic_config)]
