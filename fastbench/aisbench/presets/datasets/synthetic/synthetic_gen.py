"""The older name of `synthetic_gen_string`."""

from fastbench.aisbench.presets.datasets.synthetic.synthetic_gen_string import synthetic_datasets as synthetic_datasets
