"""What a reviewer is shown of a draft: what was written, never what the other one thinks."""

from review_case import FIELDS, OTHER, first, say, three_drafts

from fencun.gates import Gates
from fencun.scenario import Scenario
from fencun.store import reviews
from fencun.store.database import Store
from fencun.web import review_view


def test_the_second_reviewer_sees_the_edit_and_not_the_opinion(
    store: Store, scenario: Scenario, gates: Gates
) -> None:
    batch = three_drafts(store, scenario, gates)
    draft = first(store, batch).id
    say(store, draft, "老周", "edit", OTHER + "早点歇着。")
    shown = store.read(
        lambda s: review_view.draft_shape(s, scenario, gates, reviews.find_draft(s, draft), "小李")
    )
    assert (shown["text"], shown["original"]) == (OTHER + "早点歇着。", FIELDS["text"])
    assert shown["edited_by"] == "老周"
    assert ["称呼", "王老师"] in shown["lines"]
    assert not {"opinions", "decision", "reviewer"} & shown.keys()


def test_a_list_shows_every_opinion_of_the_round(
    store: Store, scenario: Scenario, gates: Gates
) -> None:
    batch = three_drafts(store, scenario, gates)
    draft = first(store, batch).id
    say(store, draft, "老周", "accept")
    say(store, draft, "小李", "reject", reason="cliche")
    shown = store.read(lambda s: review_view.line_shape(scenario, reviews.find_draft(s, draft)))
    assert [(one["reviewer"], one["decision"]) for one in shown["opinions"]] == [
        ("老周", "accept"), ("小李", "reject")
    ]  # fmt: skip
    assert shown["opinions"][1]["reason"]
    assert not shown["edited"]
    counted = store.read(lambda s: review_view.batch_shape(reviews.summaries(s, scenario.name)[0]))
    assert counted["total"] == 3
    assert counted["reviewers"] == {"老周": 1, "小李": 1}
