"""Samples as chats: the prompt of the tuned arm, and the text as the answer."""

import pytest
from data_case import row

from fencun.brief import parse_brief
from fencun.data.chats import chat, dataset_info
from fencun.errors import BriefError
from fencun.prompt import messages
from fencun.records import Sample, Seed
from fencun.scenario import Scenario


def sample(scenario: Scenario, **fields: str) -> Sample:
    seed = Seed.from_row(scenario, row(**fields))
    return Sample(**seed.model_dump(), family="s1", generation=0, hash=seed.content_hash)


def test_a_chat_asks_as_the_tuned_arm_does(scenario: Scenario) -> None:
    made = sample(scenario)
    *asked, answer = chat(scenario, made)["messages"]
    assert asked == [dict(m) for m in messages(parse_brief(scenario, made.brief), "tuned")]
    assert answer == {"role": "assistant", "content": made.text}


def test_an_alias_is_no_value(scenario: Scenario) -> None:
    with pytest.raises(BriefError):
        chat(scenario, sample(scenario, relation="爸爸"))


def test_llamafactory_finds_every_file() -> None:
    info = dataset_info(["train", "validation"])
    assert {name: entry["file_name"] for name, entry in info.items()} == {
        "train": "train.json",
        "validation": "validation.json",
    }
