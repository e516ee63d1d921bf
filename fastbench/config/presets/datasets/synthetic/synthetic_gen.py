"""The older name of `synthetic_gen_string`."""

from .synthetic_gen_string import synthetic_datasets as synthetic_datasets
