"""AIME 2024, each problem as a chat message."""

aime2024_datasets = [
    dict(
        abbr="aime2024",
        type="Aime2024Dataset",
        path="ais_bench/datasets/aime/aime.jsonl",  # the file of the 30 problems
        reader_cfg=dict(input_columns=["question"], output_column="answer"),
        infer_cfg=dict(
            prompt_template=dict(
                type="PromptTemplate",
                template=dict(
                    round=[
                        dict(
                            role="HUMAN",
                            prompt="{question}\nReason step by step, and write the final answer in a box.",
                        ),
                    ]
                ),
            ),
            retriever=dict(type="ZeroRetriever"),
            inferencer=dict(type="GenInferencer"),
        ),
    )
]
