"""GSM8K, each question as plain text: the same as `gsm8k_gen_0_shot_cot_str`."""

from fastbench.aisbench.presets.datasets.gsm8k.gsm8k_gen_0_shot_cot_str import gsm8k_datasets as gsm8k_datasets
