"""What comes out of a run says the same as what went in."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from transformers import AutoModelForCausalLM, AutoTokenizer
from tune_tiny import TEMPLATE, tiny_base, tiny_dataset

from fencun.adapter import read_adapter
from fencun.errors import ModelError
from fencun.scenario import Scenario
from fencun.tune.base import Base
from fencun.tune.chat_template import one_turn
from fencun.tune.formats.export import export, parity_chats, trained_options
from fencun.tune.formats.gguf import export_gguf
from fencun.tune.formats.merged import export_merged
from fencun.tune.formats.ollama import modelfile
from fencun.tune.formats.parity import parity_words
from fencun.tune.formats.shipped import Recommended, export_shipped
from fencun.tune.forward.greedy import greedy
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter, widths


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return Base("tiny", tiny_base(tmp_path / "base"), "a" * 64, None)


@pytest.fixture
def adapter(base: Base) -> LoraAdapter:
    made = LoraAdapter.fresh(widths(base.folder), rank=2, alpha=4, layers=range(1, 3), seed=3)
    generator = torch.Generator().manual_seed(2)
    for name, tensor in made.tensors.items():
        if "lora_B" in name:
            tensor.normal_(std=0.3, generator=generator)
    return made


def test_gguf_holds_the_same_numbers(tmp_path: Path, base: Base, adapter: LoraAdapter) -> None:
    reader = GGUFReader(export_gguf(adapter, base, tmp_path / "adapter.gguf"))
    tensors = {tensor.name: tensor.data for tensor in reader.tensors}
    assert len(tensors) == len(adapter.tensors)
    name = "base_model.model.model.layers.2.mlp.down_proj.lora_B.weight"
    wanted = adapter.tensors[name].to(torch.float16).numpy()
    assert np.array_equal(tensors["blk.2.ffn_down.weight.lora_b"], wanted)
    alpha = reader.get_field("adapter.lora.alpha")
    assert alpha is not None
    assert alpha.contents() == 4.0


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_merged_weights_write_what_the_adapter_does(
    tmp_path: Path, base: Base, adapter: LoraAdapter, scale: float
) -> None:
    folder = export_merged(adapter, base, tmp_path / "merged", scale=scale)
    merged = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    prompt = [5, 9, 200, 11, 40]
    student = Student(base.folder, 1, [])
    ids = greedy(student, adapter.scaled(scale), prompt, stop=257, max_tokens=6)
    with torch.no_grad():
        theirs = merged(torch.tensor([[*prompt, *ids[:-1]]])).logits[0, len(prompt) - 1 :]
    assert theirs.argmax(-1).tolist() == ids


def test_what_ships_is_read_by_serving(tmp_path: Path, base: Base, adapter: LoraAdapter) -> None:
    export_shipped(adapter, base, tmp_path / "out", Recommended(0.85, 0.3), {"samples": 9})
    shipped = read_adapter(tmp_path / "out")
    assert shipped is not None
    assert (shipped.base, shipped.scale, shipped.temperature) == ("tiny", 0.85, 0.3)
    (tmp_path / "out" / "manifest.json").unlink()
    assert read_adapter(tmp_path / "out") is None


def test_what_ships_tells_of_no_place_on_the_machine(
    tmp_path: Path, base: Base, adapter: LoraAdapter
) -> None:
    adapter.save(tmp_path / "run", "base")
    given = {"config": str(tmp_path / "mine.yaml"), "preset": "quick"}
    facts = {"given": given, "resolved": {"base": str(base.folder), "rank": 2}}
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(facts))
    manifest = export(tmp_path / "run", tmp_path / "out", "gguf", parity=False)
    assert manifest["given"] == {"config": "mine.yaml", "preset": "quick"}
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text()


def test_a_modelfile_keeps_the_template_and_thinking_off(base: Base) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    text = modelfile(base, tokenizer, Recommended(1.0, 0.3), adapter="adapter.gguf")
    before, after = one_turn(tokenizer)
    assert f'TEMPLATE """{before}{{{{ .Prompt }}}}{after}"""' in text
    assert after.endswith("<think>\n\n</think>\n\n")
    assert "PARAMETER temperature 0.3" in text


def test_a_template_that_rewrites_the_message_is_refused(base: Base) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    tokenizer.chat_template = TEMPLATE.replace("message.content", "message.content | lower")
    with pytest.raises(ModelError, match="改动消息"):
        one_turn(tokenizer)


def test_an_export_is_verified_on_the_briefs_of_the_run(tmp_path: Path, scenario: Scenario) -> None:
    tiny_dataset(tmp_path, scenario)
    told = {
        "train": str(tmp_path / "train.jsonl"),
        "validation": str(tmp_path / "validation.jsonl"),
    }
    run = {"resolved": {"scenario": str(scenario.folder), **told}}
    chats = parity_chats(trained_options(run, ""))
    rows = [json.loads(line) for line in Path(told["validation"]).read_text().splitlines()]
    details = {row["detail"] for row in rows}
    assert len(chats) == 5
    assert all(any(detail in chat[-1]["content"] for detail in details) for chat in chats)
    named = trained_options(run, "elsewhere")
    assert (named.scenario, named.validation) == ("elsewhere", "")


def test_what_parity_found_is_a_sentence() -> None:
    reading = {"first_token": 1.0, "gap": 0.0213}
    found = {"prompts": 5, "changed": 0.8, "readings": {"peft": reading}, "holds": True}
    zh, en = parity_words(found)
    assert zh.startswith("核对通过：5 个需求，适配器改变了其中 80% 的回答")
    assert zh.endswith("首词一致 100%，每词平均差 0.021 奈特。")
    assert "{" not in zh + en
    assert parity_words({**found, "holds": False})[1].startswith("Parity fails")
