"""What the model reads is what it will read when serving; the loss is on the answer alone."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer
from tune_tiny import tiny_base, tiny_dataset

from fencun.brief import parse_brief
from fencun.data.lines import read_samples
from fencun.prompt import messages
from fencun.scenario import Scenario
from fencun.tune.examples import encode_all, prompt_ids, shared_prefix


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_an_example_is_the_bare_chat_and_then_the_answer(
    tmp_path: Path, scenario: Scenario, family: str
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base(tmp_path / "base", family=family))
    tiny_dataset(tmp_path, scenario)
    samples = read_samples(tmp_path / "train.jsonl", scenario)
    examples, dropped = encode_all(tokenizer, scenario, samples, max_tokens=2000)
    assert not dropped
    for sample, example in zip(samples, examples, strict=True):
        chat = messages(parse_brief(scenario, sample.brief), "tuned")
        served = tokenizer.apply_chat_template(
            list(chat), tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        assert tokenizer.decode(example.prompt) == served
        assert served.endswith("<think>\n\n</think>\n\n")
        assert tokenizer.decode(example.answer[:-1]) == sample.text
        assert example.answer[-1] == tokenizer.eos_token_id


def test_the_shared_prefix_is_shared_and_leaves_something(
    tmp_path: Path, scenario: Scenario
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base(tmp_path / "base"))
    tiny_dataset(tmp_path, scenario)
    samples = read_samples(tmp_path / "train.jsonl", scenario)
    examples, _ = encode_all(tokenizer, scenario, samples, max_tokens=2000)
    prefix = shared_prefix(examples)
    assert tokenizer.decode(prefix).startswith("<|im_start|>user\n")
    assert all(example.prompt[: len(prefix)] == prefix for example in examples)
    assert all(len(example.prompt) > len(prefix) for example in examples)
    alone = shared_prefix(examples[:1])
    assert len(alone) == len(examples[0].prompt) - 1


def test_thinking_is_off_in_the_prompt(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base(tmp_path / "base"))
    ids = prompt_ids(tokenizer, [{"role": "user", "content": "在吗"}])
    assert "<think>\n\n</think>" in tokenizer.decode(ids)
