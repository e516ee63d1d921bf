"""GSM8K, each question as a chat message."""

gsm8k_datasets = [
    dict(
        abbr="gsm8k",
        type="GSM8KDataset",
        path="ais_bench/datasets/gsm8k",  # the directory with train.jsonl and test.jsonl
        reader_cfg=dict(input_columns=["question"], output_column="answer"),
        infer_cfg=dict(
            prompt_template=dict(
                type="PromptTemplate",
                template=dict(
                    round=[
                        dict(
                            role="HUMAN",
                            prompt="{question}\nThink step by step, and end with the number alone.",
                        ),
                    ]
                ),
            ),
            retriever=dict(type="ZeroRetriever"),
            inferencer=dict(type="GenInferencer"),
        ),
    )
]
