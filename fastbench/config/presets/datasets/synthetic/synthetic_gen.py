"""The older name of `synthetic_gen_string`."""

from fastbench.config.presets.datasets.synthetic.synthetic_gen_string import synthetic_datasets as synthetic_datasets
