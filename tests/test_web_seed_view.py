"""The page of seeds: the form filled in, the list narrowed, and what the gates say meanwhile."""

from review_case import FIELDS

from fencun.gates import Gates
from fencun.scenario import Scenario
from fencun.store import seeds
from fencun.store.database import Store
from fencun.web import seed_view


def view(store: Store, scenario: Scenario, gates: Gates, **asked: str) -> seed_view.Values:
    return store.read(lambda s: seed_view.view(s, scenario, gates, asked, ""))


def test_a_cell_fills_the_form_in_and_narrows_the_list(
    store: Store, scenario: Scenario, gates: Gates
) -> None:
    shown = view(store, scenario, gates, relation="客户", occasion="除夕", no_such="x")
    assert shown["cell"] == {"relation": "客户", "occasion": "除夕"}
    assert shown["form"]["values"]["relation"] == "客户"
    assert shown["entries"]
    assert all("客户" in entry["asked"] for entry in shown["entries"])
    assert shown["count"] < view(store, scenario, gates)["count"]


def test_words_and_pages_are_bounded_by_what_is_there(
    store: Store, scenario: Scenario, gates: Gates
) -> None:
    none = view(store, scenario, gates, q="没有一条会写这个")
    assert (none["count"], none["pages"], none["after"]) == (0, 1, None)
    far = view(store, scenario, gates, page="99999")
    assert far["page_number"] == far["pages"]
    assert view(store, scenario, gates, page="x")["page_number"] == 1


def test_a_half_filled_form_says_what_is_missing_and_what_is_grave(
    store: Store, scenario: Scenario, gates: Gates
) -> None:
    entries = store.read(lambda s: seeds.collection(s, scenario))
    half = seed_view.look(scenario, gates, entries, {"detail": "他刚离婚", "text": "老 王"}, "")
    assert (half["count"], half["passed"], half["field"]) == (2, None, "salutation")
    assert [topic["name"] for topic in half["topics"]] == ["离婚分手"]
    whole = seed_view.look(scenario, gates, entries, FIELDS, "")
    assert whole["passed"] is True
    known = next(iter(seeds.shipped(scenario).values())).record
    again = {**known.brief, "text": known.text, "why": "x"}
    assert seed_view.look(scenario, gates, entries, again, "")["passed"] is False
    assert seed_view.look(scenario, gates, entries, again, known.id)["passed"] is True
