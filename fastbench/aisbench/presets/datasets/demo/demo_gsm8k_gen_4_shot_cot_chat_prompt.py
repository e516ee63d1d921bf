"""The first 8 questions of GSM8K, four worked examples before each, as a chat."""

from fastbench.aisbench.presets.datasets.gsm8k.gsm8k_gen_4_shot_cot_chat_prompt import gsm8k_datasets as _whole

gsm8k_datasets = [
    dict(
        _whole[0],
        abbr="demo_gsm8k",
        reader_cfg=dict(input_columns=["question"], output_column="answer", test_range="[0:8]"),
    )
]
