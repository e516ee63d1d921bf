"""The whole command by each protocol: what the user configures, what is sent, what the report says."""

import json
from pathlib import Path
from typing import Any

import pytest
from nursery import Mock
from running import perf, write_config
from tiny_service import Answer, Asked, tiny_service

DATASET = {"type": "synthetic", "count": 6, "input_len": 8, "output_len": 5}


@pytest.mark.parametrize(
    "model",
    [
        {"type": "TGICustomAPIStream"},
        {"type": "TritonCustomAPIStream", "model_name": "mock", "generation_kwargs": {"details": True}},
        {"type": "MindieStreamApi"},
        {"type": "VllmMultiturnAPIChatStream"},
        {"type": "tgi_generate", "stream": False},
        {"type": "triton_generate", "model_name": "mock", "stream": False, "generation_kwargs": {"details": True}},
        {"type": "mindie_infer", "stream": False},
    ],
    ids=lambda model: f"{model['type']}-{model.get('stream', True)}",
)
def test_a_run_by_each_protocol(tmp_path: Path, model: dict[str, Any]) -> None:
    """A run by each protocol succeeds whole, with the service's own token counts."""
    with Mock(ttft_ms=5, itl_ms=1) as mock:
        config = write_config(tmp_path, models=[{**model, "url": mock.url, "batch_size": 2}], datasets=[DATASET])
        ended = perf(tmp_path, "--config", config)
    assert (ended.code, ended.err) == (0, "")
    cells = ended.common_cells()
    assert (cells["Success Requests"], cells["Total Generated Tokens"]) == ("6", "30")


def test_triton_without_a_model(tmp_path: Path) -> None:
    """A Triton service whose model is not named is one sentence, before anything is sent."""
    model = {"type": "TritonCustomAPI", "url": "http://127.0.0.1:9"}
    ended = perf(tmp_path, "--config", write_config(tmp_path, models=[model], datasets=[DATASET]))
    assert ended.code == 2
    assert "models[0].model_name is missing" in ended.one_sentence()


def test_rows_reach_their_adapters(tmp_path: Path) -> None:
    """Each row asks for the adapter that the file gives it, and the others for the base model."""

    def answer(asked: Asked) -> Answer:
        said = {"generated_text": "a", "details": {"finish_reason": "length", "generated_tokens": 1}}
        return Answer(200, "application/json", json.dumps(said).encode())

    adapters = tmp_path / "lora.json"
    adapters.write_text('{"1": "first", "4": "second"}')
    with tiny_service(answer) as tiny:
        parameters = {"lora_data_map_file": str(adapters)}
        model = {"type": "tgi_generate", "url": tiny.url, "stream": False, "generation_kwargs": parameters}
        config = write_config(tmp_path, models=[model], datasets=[DATASET])
        ended = perf(tmp_path, "--config", config, "--num-warmups", 0)
    assert (ended.code, ended.err) == (0, "")
    asked = [asked.body["parameters"].get("adapter_id") for asked in tiny.asked]
    assert asked == [None, "first", None, None, "second", None]
