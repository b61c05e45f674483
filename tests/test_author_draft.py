"""What is proposed off real messages: measured, or said by a model and found in the messages."""

import json

from draft_case import MESSAGES, answer

from fencun.author.draft import propose
from fencun.models.fake import FakeEngine


async def test_what_is_proposed_stands_in_the_messages() -> None:
    drafted = await propose(MESSAGES, FakeEngine(answer))
    told = {(one.kind, one.title, one.by) for one in drafted.proposals}
    assert ("cliche", "十分抱歉", "fake") in told
    assert not any("竭诚" in title for _, title, _ in told)
    assert any(kind == "cliche" and by == "measured" for kind, _, by in told)
    (topic,) = (one for one in drafted.proposals if one.kind == "tact")
    assert (topic.declared["words"], topic.support) == (["退款"], 1)
    (field,) = (one for one in drafted.proposals if one.kind == "dimension")
    assert field.declared == {"name": "remedy", "label": "怎么处理", "choices": ["今天", "明天"]}
    assert drafted.dropped == 2
    for one in drafted.proposals:
        assert all(text in MESSAGES for text in one.shown)


async def test_an_answer_that_cannot_be_read_costs_nothing_else() -> None:
    drafted = await propose(MESSAGES, FakeEngine(("我不知道。",)))
    assert drafted.unreadable == 3
    assert {one.by for one in drafted.proposals} == {"measured"}


async def test_what_parts_of_many_messages_suggest_is_put_together() -> None:
    """A model reads 24 at a time: the same field, named twice, is one with all its options."""
    told = iter((["今天", "明天"], ["明天", "不处理"]))

    def by_part(chat: object, _: object) -> str:
        if "会变的" not in str(chat):
            return '{"items": []}'
        field = {"name": "remedy", "label": "怎么处理", "options": next(told)}
        return json.dumps({"items": [field]}, ensure_ascii=False)

    messages = [*MESSAGES, *(f"{text}再次致歉。" for text in MESSAGES[:20])]
    drafted = await propose(messages, FakeEngine(by_part))
    (field,) = (one for one in drafted.proposals if one.kind == "dimension")
    assert field.declared["choices"] == ["今天", "明天", "不处理"]
    assert (drafted.dropped, drafted.unreadable) == (0, 0)
