"""Whether this machine can measure, and reach what it is to measure.

    for check in examine(Wanted(concurrency=64), options, Stop()):
        print(check.state, check.name, check.found, check.remedy)

Check, State (check) ── what was looked at, how it stands, what to do; system ── what Linux allows and has;
machine ── the checks of it; load ── a second of load on the simulated service, a request to the real one;
examine, doctor_json (examination) ── all of them, in the order in which they matter
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.api.doctor.check import Check, State, Wanted
    from fastbench.api.doctor.examination import code_of_checks, doctor_json, examine
else:
    __getattr__ = lazy(
        __name__,
        {"check": ("Check", "State", "Wanted"), "examination": ("code_of_checks", "doctor_json", "examine")},
    )

__all__ = ["Check", "State", "Wanted", "code_of_checks", "doctor_json", "examine"]
