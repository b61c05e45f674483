"""The ballot page over HTTP: what is on the wire, and who is refused."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import web_app
from evaluate_study import study_now
from fastapi.testclient import TestClient

from fencun.evaluate import polling
from fencun.evaluate.collect import collect
from fencun.evaluate.study import Study
from fencun.evaluate.verdict import judge
from fencun.scenario import Scenario
from fencun.store.database import Store
from fencun.store.writings import new_id


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return study_now(tmp_path, monkeypatch)


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as opened:
        yield opened


@pytest.fixture
def code(client: TestClient, study: Study) -> str:
    with Store() as store:
        return store.write(lambda s: polling.open_poll(s, study, ballots=16)).code


def join(client: TestClient, code: str, name: str = "小王") -> dict[str, object]:
    client.cookies.clear()
    response = client.post(f"/ballot/{code}/join", data={"name": name})
    assert response.status_code == 200
    return client.get(f"/ballot/{code}/next").json()  # type: ignore[no-any-return]


def vote_on(ballot: object, **fields: object) -> dict[str, object]:
    said = {"send": False, "reasons": [], "scales": {}}
    whole = {
        "id": new_id(),
        "ballot": ballot["id"],  # type: ignore[index]
        "choice": "left",
        "left": said | {"send": True},
        "right": said | {"reasons": ["cliche"], "scales": {"facts": 4}},
        "seconds": 12.5,
    }
    return whole | fields


def test_nothing_on_the_wire_tells_the_arm(client: TestClient, code: str, study: Study) -> None:
    join(client, code)
    page = client.get(f"/ballot/{code}").text
    lengths = set()
    for _ in range(8):
        response = client.get(f"/ballot/{code}/next")
        for arm in study.arms:
            assert arm not in response.text
            assert arm not in str(response.headers)
        lengths.add(response.headers["content-length"])
        state = response.json()
        assert list(state["ballot"]) == ["id", "lines", "left", "right"]
        client.post(f"/ballot/{code}/vote", json=vote_on(state["ballot"]))
    assert lengths == {"2048"}
    assert "tuned" not in page


def test_votes_are_kept_and_come_out(client: TestClient, code: str, study: Study) -> None:
    state = join(client, code)
    while state["ballot"]:
        response = client.post(f"/ballot/{code}/vote", json=vote_on(state["ballot"]))
        assert response.status_code == 200
        state = response.json()
    assert state["done"] == state["total"] == 16
    with Store() as store:
        assert collect(study, store) == 16
    vote = study.votes()[0]
    assert (vote.name, vote.seconds, vote.left_opinion.send) == ("小王", 12.5, True)
    assert vote.right_opinion.scales == {"facts": 4}


def test_a_retry_is_the_same_vote(client: TestClient, code: str) -> None:
    vote = vote_on(join(client, code)["ballot"])
    first = client.post(f"/ballot/{code}/vote", json=vote)
    again = client.post(f"/ballot/{code}/vote", json=vote)
    assert first.json() == again.json()
    other = client.post(f"/ballot/{code}/vote", json=vote | {"id": new_id()})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "ballot")


def test_taking_back_shows_that_ballot_again(client: TestClient, code: str) -> None:
    ballot = join(client, code)["ballot"]
    state = client.post(f"/ballot/{code}/vote", json=vote_on(ballot)).json()
    assert state["last"] == ballot["id"]  # type: ignore[index]
    back = client.post(f"/ballot/{code}/back", json={"ballot": state["last"]}).json()
    assert back["ballot"]["id"] == ballot["id"]  # type: ignore[index]
    assert (back["done"], back["last"]) == (0, None)
    state = client.post(f"/ballot/{code}/vote", json=vote_on(ballot, choice="tie")).json()
    assert state["last"] is None
    refused = client.post(f"/ballot/{code}/back", json={"ballot": ballot["id"]})  # type: ignore[index]
    assert refused.status_code == 409


def test_strangers_and_latecomers_are_refused(client: TestClient, code: str, study: Study) -> None:
    mine = join(client, code, "小李")["ballot"]
    join(client, code, "小赵")
    assert client.post(f"/ballot/{code}/vote", json=vote_on(mine)).status_code == 404
    client.cookies.clear()
    assert client.get(f"/ballot/{code}/next").status_code == 404
    assert client.get("/ballot/none-such-poll").status_code == 404
    ballot = join(client, code)["ballot"]
    with Store() as store:
        store.write(lambda s: polling.close_poll(s, study.registration.fingerprint))
    late = client.post(f"/ballot/{code}/vote", json=vote_on(ballot))
    assert (late.status_code, late.json()["error"]["code"]) == (410, "closed")
    assert "结束" in client.get(f"/ballot/{code}").text
    assert client.post(f"/ballot/{code}/join", data={"name": "晚"}).status_code in (303, 200)


@pytest.mark.parametrize(
    "change",
    [
        {"choice": "middle"},
        {"id": "1"},
        {"ballot": "../../x"},
        {"left": {"send": "yes"}},
        {"right": {"reasons": ["because"]}},
        {"right": {"scales": {"facts": 9}}},
        {"seconds": -1},
        {"arm": "tuned"},
    ],
)
def test_malformed_votes_are_refused(client: TestClient, code: str, change: object) -> None:
    ballot = join(client, code)["ballot"]
    response = client.post(f"/ballot/{code}/vote", json=vote_on(ballot) | change)  # type: ignore[operator]
    assert response.status_code == 422
    assert client.get(f"/ballot/{code}/next").json()["done"] == 0


def test_a_name_in_markup_is_only_a_name(client: TestClient, code: str) -> None:
    join(client, code, "<script>alert(1)</script>")
    assert "<script>alert" not in client.get(f"/ballot/{code}").text


def test_only_the_host_opens_and_closes(client: TestClient, study: Study) -> None:
    assert study.name not in client.get("/ballot").text
    refused = client.post("/ballot/open", data={"study": study.name})
    assert refused.status_code == 403
    web_app.enter(client)
    assert study.name in client.get("/ballot").text
    page = client.post("/ballot/open", data={"study": study.name})
    assert "/ballot/" in page.text
    assert (
        "已结束"
        in client.post("/ballot/close", data={"study": study.registration.fingerprint}).text
    )
    assert client.post("/ballot/open", data={"study": "none"}).status_code == 400


def test_an_invitation_opens_one_seat_wherever_it_is_opened(client: TestClient, code: str) -> None:
    web_app.enter(client)
    shown = client.post(f"/ballot/{code}/invite", data={"name": "老周"}).text
    link = re.search(rf'href="(/ballot/{code}\?seat=[^"]+)"', shown)
    assert link
    seat = link[1].split("=")[1]
    client.cookies.clear()
    assert 'value="老周"' in client.get(link[1]).text
    client.post(f"/ballot/{code}/join", data={"name": "老周", "seat": seat})
    ballot = client.get(f"/ballot/{code}/next").json()["ballot"]["id"]
    client.cookies.clear()  # another machine: the same seat again, no second one
    client.get(link[1])
    assert client.get(f"/ballot/{code}/next").json()["ballot"]["id"] == ballot
    web_app.enter(client)
    client.post(f"/ballot/{code}/revoke", data={"name": "老周"})
    assert client.get(f"/ballot/{code}/next").status_code == 404
    assert client.get(link[1]).status_code == 404


def test_one_person_six_times_is_shown_to_the_host_and_counted_once(
    client: TestClient, code: str, study: Study
) -> None:
    for _ in range(6):
        state = join(client, code, "张三")
        client.post(f"/ballot/{code}/vote", json=vote_on(state["ballot"]))
    assert "看着是同一个人" not in client.get("/ballot").text
    web_app.enter(client)
    assert "看着是同一个人" in client.get("/ballot").text
    with Store() as store:
        assert collect(study, store) == 6
    judged = judge(study)
    assert (judged.facts.raters, judged.done.cast) == (1, 1)
    other = judged.seats.groups[0].others[0]
    client.post(f"/ballot/{code}/apart", data={"rater": other})
    with Store() as store:
        collect(study, store)
    assert judge(study).done.cast == 2


@pytest.mark.parametrize("what", ["invite", "revoke", "apart"])
def test_seats_are_the_hosts_alone(client: TestClient, code: str, what: str) -> None:
    field = {"rater": "0" * 32} if what == "apart" else {"name": "老周"}
    refused = client.post(f"/ballot/{code}/{what}", data=field)
    assert refused.status_code == 403


def test_send_left_open_is_missing_and_no_no(client: TestClient, code: str, study: Study) -> None:
    ballot = join(client, code)["ballot"]
    client.post(f"/ballot/{code}/vote", json=vote_on(ballot, left={"reasons": []}))
    with Store() as store:
        collect(study, store)
    assert study.votes()[0].left_opinion.send is None
