"""BoolQ of SuperGLUE, each question with its passage as plain text."""

BoolQ_datasets = [
    dict(
        abbr="BoolQ",
        type="BoolQDataset",
        path="ais_bench/datasets/SuperGLUE/BoolQ/val.jsonl",  # the file of the questions
        reader_cfg=dict(input_columns=["question", "passage"], output_column="label"),
        infer_cfg=dict(
            prompt_template=dict(
                type="PromptTemplate",
                template="{passage}\nQuestion: {question}\nAnswer yes or no.\nAnswer:",
            ),
            retriever=dict(type="ZeroRetriever"),
            inferencer=dict(type="GenInferencer"),
        ),
    )
]
