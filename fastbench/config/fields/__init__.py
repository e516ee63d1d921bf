"""Checks of settings: what every room uses that has settings of its own.

class Settings(Frozen): ... # a struct; the types of its fields say what they take (Count, Length, ...) issues =
Issues("run.py") check_fields(Settings, given, "", issues) # gathers every bad field, guesses none issues.check() #
raises ConfigError with all of them

check (Frozen, check_fields, the types of fields), issues (all faults, reported at once), lengths (token lengths and
their laws), data_files (where a file is looked for, which of its rows count), row_names (parameters, speakers)
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.config.fields.check import (
        MAX_COUNT,
        MAX_LENGTH,
        Count,
        DirName,
        Frozen,
        Length,
        PositiveRate,
        Seed,
        Text,
        check_fields,
        decode_custom,
    )
    from fastbench.config.fields.data_files import (
        EXTRA,
        FOR_CHAT,
        FOR_OPENAI,
        LENGTHS,
        OF_THE_RUN,
        PARAMETERS,
        ROLES,
        find_data,
        missing_sentence,
        parse_slice,
        range_fault,
        role_of,
    )
    from fastbench.config.fields.issues import Issues, nearest, show
    from fastbench.config.fields.lengths import Alpha, Gaussian, Lengths, Real, Uniform, Zipf, build_lengths
else:
    __getattr__ = lazy(
        __name__,
        {
            "check": (
                "Count",
                "DirName",
                "Frozen",
                "Length",
                "MAX_COUNT",
                "MAX_LENGTH",
                "PositiveRate",
                "Seed",
                "Text",
                "check_fields",
                "decode_custom",
            ),
            "data_files": (
                "EXTRA",
                "FOR_CHAT",
                "FOR_OPENAI",
                "LENGTHS",
                "OF_THE_RUN",
                "PARAMETERS",
                "ROLES",
                "find_data",
                "missing_sentence",
                "parse_slice",
                "range_fault",
                "role_of",
            ),
            "issues": (
                "Issues",
                "nearest",
                "show",
            ),
            "lengths": (
                "Alpha",
                "Gaussian",
                "Lengths",
                "Real",
                "Uniform",
                "Zipf",
                "build_lengths",
            ),
        },
    )

__all__ = [
    "EXTRA",
    "FOR_CHAT",
    "FOR_OPENAI",
    "LENGTHS",
    "MAX_COUNT",
    "MAX_LENGTH",
    "OF_THE_RUN",
    "PARAMETERS",
    "ROLES",
    "Alpha",
    "Count",
    "DirName",
    "Frozen",
    "Gaussian",
    "Issues",
    "Length",
    "Lengths",
    "PositiveRate",
    "Real",
    "Seed",
    "Text",
    "Uniform",
    "Zipf",
    "build_lengths",
    "check_fields",
    "decode_custom",
    "find_data",
    "missing_sentence",
    "nearest",
    "parse_slice",
    "range_fault",
    "role_of",
    "show",
]
