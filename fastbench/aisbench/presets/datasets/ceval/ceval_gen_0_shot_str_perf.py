"""C-Eval, one of its subjects, each question as plain text."""

# Each subject is a data set of its own: add more of them here.
_SUBJECTS = ["computer_network"]

ceval_datasets = [
    dict(
        abbr=f"ceval-{subject}",
        type="CEvalDataset",
        path="ais_bench/datasets/ceval/formal_ceval",  # the directory with dev/, val/ and test/
        name=subject,
        reader_cfg=dict(input_columns=["question", "A", "B", "C", "D"], output_column="answer", test_split="val"),
        infer_cfg=dict(
            prompt_template=dict(
                type="PromptTemplate",
                template="{question}\nA. {A}\nB. {B}\nC. {C}\nD. {D}\nAnswer: ",
            ),
            retriever=dict(type="ZeroRetriever"),
            inferencer=dict(type="GenInferencer"),
        ),
    )
    for subject in _SUBJECTS
]
