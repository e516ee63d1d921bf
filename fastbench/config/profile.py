"""`profile` → its stages, one after the other."""

from fastbench.config.check import check_fields
from fastbench.config.issues import Issues
from fastbench.config.plan import ProfileStage
from fastbench.units import MAX_NS


def build_profile(raw: object, issues: Issues) -> tuple[ProfileStage, ...]:
    """The stages that `raw` describes; what is wrong with the others was added to `issues`."""
    if not isinstance(raw, list | tuple):
        issues.wrong("profile", raw, "a list of dicts with duration and rate, or duration and concurrency")
        return ()
    built = [_stage(item, f"profile[{index}]", issues) for index, item in enumerate(raw)]
    stages = tuple(stage for stage in built if stage is not None)
    if stages and len(stages) == len(built):
        _check_together(stages, issues)
    return stages


def _check_together(stages: tuple[ProfileStage, ...], issues: Issues) -> None:
    if len({stage.rate is None for stage in stages}) > 1:
        issues.add("profile", "has stages with a rate and stages with a concurrency; give all of them the same")
    elif not any(stage.rate or stage.concurrency for stage in stages):
        issues.add("profile", "sends nothing, as all of its stages are 0; give one of them more")
    elif sum(stage.duration for stage in stages) > MAX_NS:
        issues.add("profile", "lasts more than 146 years in all; give its stages shorter durations")


def _stage(raw: object, path: str, issues: Issues) -> ProfileStage | None:
    if isinstance(raw, ProfileStage):
        return raw
    before = len(issues)
    values = check_fields(ProfileStage, raw, path, issues)
    if len(issues) > before:
        return None
    stage = ProfileStage(**values)
    if (stage.rate is None) == (stage.concurrency is None):
        issues.add(path, "must say either rate or concurrency")
        return None
    return stage
