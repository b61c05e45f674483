"""Who may do what: every route with every kind of caller, and what belongs to whom."""

import itertools
from collections.abc import Callable, Coroutine
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
import web_app
from access_case import a_token, as_one
from evaluate_study import study_now
from fastapi import Request, Response
from fastapi.routing import APIRoute
from test_web_ballot import vote_on

from fencun.evaluate import polling
from fencun.evaluate.study import Study
from fencun.scenario import Scenario
from fencun.store import tokens
from fencun.store.database import Store
from fencun.store.tokens import SCOPES, Scope
from fencun.store.writings import new_id
from fencun.web.access import GuardedRoute, router_for
from fencun.web.app import ROUTERS, routers
from fencun.web.caller import TOKEN_COOKIE


# Every route there is, and what it takes. A route that is not here fails the first test.
@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return study_now(tmp_path, monkeypatch)


TABLE: dict[Scope | None, str] = {
    None: """
        GET /enter, POST /enter, POST /leave, GET /health, HEAD /health, GET /ready, HEAD /ready
    """,
    "write": """
        GET /, POST /, GET /history, POST /history/delete, GET /advise, GET /docs,
        GET /openapi.json, POST /card, GET /api/cards, POST /api/cards,
        POST /api/write, POST /api/rewrite, POST /api/read, GET /api/scenario, POST /api/check,
        POST /api/events, GET /scenario, POST /scenario, POST /scenario/tried,
        GET /api/history, DELETE /api/history, DELETE /api/history/{writing},
        GET /v1/models, GET /v1/models/{name:path}, POST /v1/chat/completions,
        HEAD /v1/models, HEAD /v1/models/{name:path}, OPTIONS /v1/{path:path}, GET /metrics
    """,
    "review": """
        GET /seeds, POST /seeds, POST /seeds/{act}, GET /seeds/seeds.jsonl,
        GET /seeds/lineage.jsonl, GET /api/seeds, PUT /api/seeds/{seed},
        DELETE /api/seeds/{seed}, POST /api/seeds/{seed}/undo, PUT /api/sketches/{sketch},
        DELETE /api/sketches/{sketch}, GET /coverage, GET /api/coverage,
        GET /review, POST /review, POST /review/practice, POST /review/name,
        GET /review/{batch}, GET /review/{batch}/accepted.jsonl, GET /review/{batch}/reviews.jsonl,
        GET /review/{batch}/{kind}, POST /review/{batch}/settle, POST /review/{batch}/back,
        GET /api/reviews, GET /api/reviews/{batch}/next, POST /api/reviews/{batch},
        POST /api/reviews/{batch}/undo, POST /api/reviews/{batch}/back, GET /scenario/download
    """,
    "rate": """
        GET /ballot, GET /ballot/{code}, POST /ballot/{code}/join, GET /ballot/{code}/next,
        POST /ballot/{code}/vote, POST /ballot/{code}/back
    """,
    "host": """
        POST /ballot/open, POST /ballot/close, POST /ballot/{code}/invite,
        POST /ballot/{code}/revoke, POST /ballot/{code}/apart,
        GET /verdict, GET /verdict/{key}, GET /verdict/{key}/report.{kind},
        GET /tune, POST /tune/plan, POST /tune/start, POST /tune/prefer, GET /tune/compare,
        POST /tune/compare, GET /tune/{name}, GET /tune/{name}/view, POST /tune/{name}/stop,
        POST /tune/{name}/resume, POST /scenario/upload
    """,
}
NEEDED = {
    route: scope
    for scope, routes in TABLE.items()
    for route in (" ".join(part.split()) for part in routes.split(","))
}
FILLED = {
    "{writing}": "0" * 32, "{name:path}": "none", "{act}": "undo", "{seed}": "none",
    "{path:path}": "models",
    "{sketch}": "1" * 32, "{batch}": "2" * 32, "{kind}": "open", "{code}": "no-such-poll",
    "{key}": "a" * 12, "{name}": "20990101-000000", "report.open": "report.html",
}  # fmt: skip


def declared() -> dict[str, Scope | None]:
    """Return what the code says that each route needs."""
    found: dict[str, Scope | None] = {}
    for router in routers(import_module(name) for name in ROUTERS):
        for route in router.routes:
            assert isinstance(route, GuardedRoute)
            for method in route.methods:
                found[f"{method} {route.path}"] = route.needs.scope
    return found


def test_every_route_is_in_the_table_and_says_the_same() -> None:
    assert declared() == NEEDED


def test_nothing_stands_beside_the_routers_but_our_static_files(scenario: Scenario) -> None:
    plain = [route.path for route in web_app.app(scenario).routes if hasattr(route, "path")]
    assert sorted(plain) == ["/static", "/static/swagger"]


def test_a_router_that_names_nothing_does_not_start() -> None:
    from types import ModuleType

    from fastapi import APIRouter

    module = ModuleType("forgotten")
    module.router = APIRouter()  # type: ignore[attr-defined]
    module.router.get("/x")(lambda: None)  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="asks nobody"):
        routers([module])
    bare = APIRouter(route_class=GuardedRoute)
    with pytest.raises(AssertionError, match="must name one scope"):
        bare.get("/x")(lambda: None)
    assert router_for("host").dependencies


def a_caller_of_each_kind() -> dict[str, tuple[str, set[Scope]]]:
    """Return who may come: what they show, and what it is good for."""
    gone, late = a_token("gone", *SCOPES), a_token("late", *SCOPES, lasts=timedelta(seconds=-1))
    with Store() as store:
        store.write(lambda session: tokens.revoke(session, "gone"))
        link = store.write(tokens.add_link)
    nobody = {"": "", "revoked": gone, "late": late, "made up": "fencun-x", "unused link": link}
    good: dict[str, set[Scope]] = {scope: {scope} for scope in SCOPES}
    callers: dict[str, tuple[str, set[Scope]]] = {
        who: (what, set()) for who, what in nobody.items()
    }
    return callers | {who: (a_token(who, *own), own) for who, own in good.items()}


def filled(route: str) -> tuple[str, str]:
    """Return the method and an address of ``route``."""
    method, path = route.split(" ")
    for name, value in FILLED.items():
        path = path.replace(name, value)
    return method, path


@pytest.mark.parametrize("closed", [False, True], ids=["loopback", "network"])
async def test_every_route_with_every_kind_of_caller(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, closed: bool
) -> None:
    """The question who may is the real one; what the routes then do has tests of its own."""

    def allowed(_route: APIRoute) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handler(_request: Request) -> Response:
            return Response(status_code=204)

        return handler

    monkeypatch.setattr(APIRoute, "get_route_handler", allowed)
    web = web_app.app(scenario, closed=closed)
    asked = list(itertools.product(a_caller_of_each_kind().items(), NEEDED.items()))
    async with (
        web.router.lifespan_context(web),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(web), base_url="http://127.0.0.1"
        ) as client,
    ):
        for number, ((who, (plain, own)), (route, needs)) in enumerate(asked):
            headers = as_one(plain) if number % 2 else {"Cookie": f"{TOKEN_COOKIE}={plain}"}
            scopes = own if closed else own | {"write", "review", "rate"}
            answer = await client.request(*filled(route), headers=headers)
            may = needs is None or needs in scopes
            expected = 204 if may else 401 if closed and not own else 403
            assert answer.status_code == expected, (route, who, number, answer.text)
    assert len(asked) == len(NEEDED) * 9


def test_what_is_changed_is_noted_with_who_did_it(scenario: Scenario) -> None:
    plain = a_token("小王", "write", "host")
    with web_app.client(web_app.app(scenario, closed=True)) as client:
        client.post("/api/write", json={"brief": web_app.BRIEF}, headers=as_one(plain))
        client.post("/ballot/open", data={"study": "none"}, headers=as_one(plain))
        client.get("/api/history", headers=as_one(plain))
        client.post("/api/write", json={"brief": web_app.BRIEF})
        client.put(f"/api/sketches/{'1' * 32}", json={"fields": {}, "turn": 1})
        from fencun.store.audit import newest

        rows = client.app.state.studio.store.read(newest)  # type: ignore[attr-defined]
    told = [(row.name, row.action) for row in rows]
    assert told[:2] == [("小王", "POST /ballot/open"), ("小王", "POST /api/write")]
    assert [action for _, action in told[2:]] == ["token add: 小王 (write, host)"]


def test_one_person_is_one_reviewer_and_answers_for_nobody_else(scenario: Scenario) -> None:
    one, other = as_one(a_token("阿一", "review")), as_one(a_token("阿二", "review"))
    with web_app.client(web_app.app(scenario, closed=True)) as client:
        client.post("/review/practice", headers=one)
        [batch] = client.get("/api/reviews", headers=one).json()["batches"]
        address = f"/api/reviews/{batch['id']}"
        state = client.get(f"{address}/next", params={"reviewer": "甲"}, headers=one).json()
        draft = state["draft"]

        def says(headers: dict[str, str], name: str) -> None:
            body = {
                "id": new_id(), "draft": draft["id"], "reviewer": name, "decision": "accept",
                "text": draft["text"],
            }  # fmt: skip
            assert client.post(address, json=body, headers=headers).status_code == 200

        says(one, "甲")
        says(one, "乙")  # another name, the same person
        [batch] = client.get("/api/reviews", headers=one).json()["batches"]
        assert batch["states"]["accepted"] == 0
        assert batch["reviewers"] == {"阿一": 1}
        undo = {"draft": draft["id"], "reviewer": "阿一"}
        client.post(f"{address}/undo", json=undo, headers=other)
        [batch] = client.get("/api/reviews", headers=one).json()["batches"]
        assert batch["reviewers"] == {"阿一": 1}
        says(other, "阿一")
        [batch] = client.get("/api/reviews", headers=one).json()["batches"]
        assert batch["states"]["accepted"] == 1
        assert batch["reviewers"] == {"阿一": 1, "阿二": 1}


def test_a_token_has_one_place_in_a_poll_under_its_own_name(
    scenario: Scenario, study: Study
) -> None:
    one, other = as_one(a_token("阿一", "rate")), as_one(a_token("阿二", "rate"))
    with web_app.client(web_app.app(scenario, closed=True)) as client:
        with Store() as store:
            code = store.write(lambda s: polling.open_poll(s, study, ballots=4)).code
        for name in ("阿一", "别人", "阿三"):
            client.cookies.clear()
            client.post(f"/ballot/{code}/join", data={"name": name}, headers=one)
        with Store() as store:
            [turnout] = store.read(polling.turnouts)
        assert turnout.raters == 1
        ballot = client.get(f"/ballot/{code}/next", headers=one).json()["ballot"]
        client.post(f"/ballot/{code}/join", headers=other)
        foreign = client.post(f"/ballot/{code}/vote", json=vote_on(ballot), headers=other)
        assert foreign.status_code == 404
        kept = client.post(f"/ballot/{code}/vote", json=vote_on(ballot), headers=one).json()
        assert kept["done"] == 1
        assert client.get(f"/ballot/{code}/next").status_code == 401


def test_a_vote_id_used_twice_is_told(scenario: Scenario, study: Study) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        with Store() as store:
            code = store.write(lambda s: polling.open_poll(s, study, ballots=4)).code
        client.post(f"/ballot/{code}/join", data={"name": "阿一"})
        vote = vote_on(client.get(f"/ballot/{code}/next").json()["ballot"])
        following = client.post(f"/ballot/{code}/vote", json=vote).json()["ballot"]
        again = client.post(f"/ballot/{code}/vote", json={**vote, "ballot": following["id"]})
        assert (again.status_code, again.json()["error"]["code"]) == (409, "ballot")
