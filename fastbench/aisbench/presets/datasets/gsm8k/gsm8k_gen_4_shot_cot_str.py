"""GSM8K, four worked examples before each question, as plain text."""

# Four worked examples in front of each question.
_EXAMPLES = [
    (
        "A baker makes 12 trays with 6 rolls each and sells 50 of the rolls. How many rolls are left?",
        "12 trays with 6 rolls each are 12 * 6 = 72 rolls. After 50 are sold, 72 - 50 = 22 are left. The answer is 22.",
    ),
    (
        "Nina reads 15 pages on Monday, twice as many on Tuesday, and 5 fewer on Wednesday than on Tuesday. "
        "How many pages does she read in the three days?",
        "On Tuesday she reads 2 * 15 = 30 pages, on Wednesday 30 - 5 = 25. Together that is 15 + 30 + 25 = 70. "
        "The answer is 70.",
    ),
    (
        "A bus ticket costs $3 and a train ticket four times as much. What do 5 bus tickets and 2 train tickets cost?",
        "A train ticket costs 4 * 3 = 12 dollars. The bus tickets cost 5 * 3 = 15 and the train tickets "
        "2 * 12 = 24 dollars, together 15 + 24 = 39. The answer is 39.",
    ),
    (
        "Of the 80 seats of a hall, three quarters are taken; then 8 people leave. How many people are in the hall?",
        "Three quarters of 80 seats are 80 * 3 / 4 = 60 people. After 8 left, 60 - 8 = 52 are in the hall. "
        "The answer is 52.",
    ),
]
_TEMPLATE = "".join(f"Question: {question}\nAnswer: {answer}\n\n" for question, answer in _EXAMPLES)
_TEMPLATE += "Question: {question}\nAnswer:"

gsm8k_datasets = [
    dict(
        abbr="gsm8k",
        type="GSM8KDataset",
        path="ais_bench/datasets/gsm8k",  # the directory with train.jsonl and test.jsonl
        reader_cfg=dict(input_columns=["question"], output_column="answer"),
        infer_cfg=dict(
            prompt_template=dict(
                type="PromptTemplate",
                template=_TEMPLATE,
            ),
            retriever=dict(type="ZeroRetriever"),
            inferencer=dict(type="GenInferencer"),
        ),
    )
]
