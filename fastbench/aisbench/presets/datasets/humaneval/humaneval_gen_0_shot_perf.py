"""HumanEval, each task as plain text."""

humaneval_datasets = [
    dict(
        abbr="openai_humaneval",
        type="HumanevalDataset",
        path="ais_bench/datasets/humaneval/human-eval-v2-20210705.jsonl",  # the file of the 164 tasks
        reader_cfg=dict(input_columns=["prompt"], output_column="task_id"),
        infer_cfg=dict(
            prompt_template=dict(
                type="PromptTemplate",
                template="Complete the following Python function.\n{prompt}",
            ),
            retriever=dict(type="ZeroRetriever"),
            inferencer=dict(type="GenInferencer"),
        ),
    )
]
