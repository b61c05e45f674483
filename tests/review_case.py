"""What tests of seeds and reviews share: an open store, a form that is right, a batch of drafts."""

import json

import pytest
from sqlalchemy.orm import Session

from fencun.gates import Gates
from fencun.records import Seed
from fencun.scenario import Scenario
from fencun.store import intake, reviews, seeds
from fencun.store.database import Store
from fencun.store.schema import DraftRow
from fencun.store.writings import new_id

FIELDS = {
    "salutation": "王老师",
    "relation": "老师导师",
    "detail": "高三晚自习后常留下来给我讲数学题",
    "occasion": "除夕",
    "style": "真诚走心",
    "length": "短",
    "text": "王老师，除夕了，又想起晚自习后您留下来给我讲题，粉笔灰落一袖子。"
    "给您拜年，天冷少站风口。",
    "why": "粉笔灰是两个人都记得的",
}


OTHER = "王老师，走廊那盏灯我一直记着，如今遇到难题，还是会先停一停，再想一步。给您拜年了。"


BOTH = pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)


def seed(scenario: Scenario, identity: str = "w1", **fields: str) -> Seed:
    return seeds.read_fields(scenario, identity, {**FIELDS, **fields})


BRIEF = {name: FIELDS[name] for name in FIELDS if name not in ("text", "why")}


def line(number: int, text: str = FIELDS["text"], **more: object) -> str:
    row = {"id": f"n{number}", "parent": "s0001", **BRIEF, "text": text, **more}
    return json.dumps(row, ensure_ascii=False)


def upload(
    store: Store, scenario: Scenario, gates: Gates, data: bytes, name: str = "a.jsonl"
) -> str:
    def add(session: Session) -> str:
        known = seeds.known(session, scenario)
        return reviews.add_batch(session, *intake.read_batch(scenario, gates, name, data, known)).id

    return store.write(add)


def three_drafts(store: Store, scenario: Scenario, gates: Gates, name: str = "a.jsonl") -> str:
    """Bring three drafts in for review; return the batch that they are."""
    lines = [line(1), line(2, OTHER), line(3, FIELDS["text"] + "早点睡。")]
    return upload(store, scenario, gates, "\n".join(lines).encode(), name)


def following(store: Store, batch: str, who: str, after: int = 0) -> DraftRow | None:
    return store.read(lambda s: reviews.next_draft(s, batch, who, after=after))[0]


def say(
    store: Store, draft: str, who: str, decision: str, text: str = FIELDS["text"],
    reason: str | None = None, identity: str | None = None,
) -> DraftRow:  # fmt: skip
    return store.write(
        lambda s: reviews.decide(
            s, draft, who, identity=identity or new_id(), decision=decision, text=text,  # type: ignore[arg-type]
            reason=reason,  # type: ignore[arg-type]
        )
    )  # fmt: skip


def first(store: Store, batch: str) -> DraftRow:
    found = following(store, batch, "nobody")
    assert found is not None
    return found


def counts(store: Store, batch: str) -> reviews.Summary:
    return store.read(lambda s: reviews.summary(s, reviews.find_batch(s, batch)))
