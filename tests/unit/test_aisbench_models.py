"""AISBench's model dicts: class names, what they force, and fields that change nothing."""

from typing import Any

import pytest

from fastbench.aisbench import MODEL_CLASSES, translate_model
from fastbench.config import Issues
from fastbench.config.services import ServiceConfig, build_service
from fastbench.errors import ConfigError


def build(**fields: Any) -> ServiceConfig:
    issues = Issues("run.py")
    service = build_service(translate_model(fields, "models[0]", issues), "models[0]", issues)
    issues.check()
    assert service is not None
    return service


def faults(**fields: Any) -> list[str]:
    """What is said of each bad field, without the place."""
    with pytest.raises(ConfigError) as caught:
        build(**fields)
    return [line.removeprefix("run.py: models[0].") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize("name", MODEL_CLASSES)
def test_classes(name: str) -> None:
    """Each class, dotted or not or as a class, is one native type, and AISBench's old `Stream` names force a stream."""
    kind, forced = MODEL_CLASSES[name]
    for given in (name, f"ais_bench.benchmark.models.{name}", type(name, (), {})):
        service = build(type=given, stream=False, model_name="m")
        assert (service.type, service.stream, service.abbr) == (kind, bool(forced), kind.replace("_", "-"))


def test_native_types_pass() -> None:
    """A native dict is left as it is."""
    raw = {"type": "tgi_generate", "abbr": "a", "retry": 3}
    assert translate_model(raw, "models[0]", Issues("run.py")) == raw
    assert translate_model(5, "models[0]", Issues("run.py")) == 5


def test_a_type_that_cannot_be_measured() -> None:
    """The multimodal type is refused with the reason, a wrong name gets the nearest one in any case, and the other
    fields are checked all the same."""
    reason = "it sends pictures and sound, which fastbench does not; use openai_chat for text"
    told = [f"type is 'VITAGenerateAPI'; {reason}", "retry is -1; it must be a whole number from 0 to 1000"]
    assert faults(type="VITAGenerateAPI", retry=-1) == told
    assert faults(type="vllmcustomapichat") == ["type is 'vllmcustomapichat'; did you mean VLLMCustomAPIChat?"]
    assert faults(type="tgi_generat") == ["type is 'tgi_generat'; did you mean tgi_generate?"]


def test_fields_without_effect() -> None:
    """Settings that a measurement does not use are taken, whatever they hold."""
    names = ("pred_postprocessor", "returns_tool_calls", "summarizer_abbr", "run_cfg", "min_out_len", "verbose")
    plain = {"type": "VLLMCustomAPIChat"}
    assert build(**plain, **{name: {"type": print} for name in names}) == build(**plain)
