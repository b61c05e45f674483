"""What tests of preference pairs share: texts of a brief, and writings in the store."""

from uuid import uuid4

from fencun.brief import parse_brief
from fencun.models.engine import Decoding
from fencun.scenario import Scenario
from fencun.store import writings
from fencun.store.database import Store
from fencun.store.schema import EventKind
from fencun.writer import Candidate, Writing

ASKED = {"salutation": "王老师", "relation": "高中班主任", "length": "短"}


GOOD = "王老师，除夕了，又想起晚自习后您留下来给我讲题，粉笔灰落一袖子。给您拜年，天冷少站风口。"


OTHER = "王老师，给您拜年了。走廊那盏灯我一直记着，如今遇到难题，还是会先停一停，再想一步。"


BAD = "王老师，值此新春之际，祝您身体健康、万事如意、阖家欢乐、心想事成！"


def write(scenario: Scenario, events: list[tuple[int, EventKind, str | None]]) -> None:
    """Keep a writing of three texts, and what was done with them."""
    texts = (GOOD, BAD, OTHER)
    candidates = tuple(Candidate(text, (), n) for n, text in enumerate(texts))
    writing = Writing(parse_brief(scenario, ASKED), "prompt", "m", 5, candidates, 6)
    row = writings.writing_row(
        writing, asked=ASKED, decoding=Decoding(), adapter=None, source="page", owner="me"
    )
    ids = [candidate.id for candidate in row.candidates]
    with Store() as store:
        store.write(lambda session: session.add(row))
        for at, kind, text in events:
            store.write(
                lambda s, at=at, kind=kind, text=text: writings.save_event(  # type: ignore[misc]
                    s, identity=uuid4().hex, candidate_id=ids[at], kind=kind, text=text
                )
            )
