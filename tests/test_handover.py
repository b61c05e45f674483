"""Requests for a Batch service, and its results in any shape they come back in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from full_disk import full_disk
from typer.testing import CliRunner, Result

from fencun.batch import BatchBrief, read_jobs
from fencun.cli import app_for
from fencun.errors import FencunError
from fencun.files import read_jsonl, write_jsonl
from fencun.gates import Gates
from fencun.handover import HandOverResult, bring_back, hand_out
from fencun.models.fake import FakeEngine
from fencun.prompt import Arm
from fencun.scenario import Scenario
from fencun.writer import Writer

Row = dict[str, Any]


def text_of(body: Row) -> str:
    return f"老友，过年好，年后喝一杯，这是第{body['seed'] % 997}号。"


def result(request: Row, **more: Any) -> Row:
    """Return what a service answers to ``request``."""
    message = {"role": "assistant", "content": text_of(request["body"])}
    body = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14},
    }
    return {
        "id": "batch_req_1",
        "custom_id": request["custom_id"],
        "response": {"status_code": 200, "request_id": "r", "body": body},
        "error": None,
        **more,
    }


class Exchange:
    """Hands out and brings back in a folder, with a model of its own."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.folder = folder
        self.writer = Writer(FakeEngine(name="qwen3-8b"), Gates(scenario))
        rows = [
            {"id": f"b.{n}", "salutation": "老友", "relation": "发小", "length": "短"}
            for n in range(4)
        ]
        write_jsonl(folder / "in.jsonl", rows)
        self.jobs: list[BatchBrief] = read_jobs(folder / "in.jsonl", scenario)[0]

    def requests(self, arm: Arm = "bare", draws: int = 3, seed: int = 1) -> list[Row]:
        path = self.folder / "requests.jsonl"
        hand_out(self.writer, self.jobs, path, arm=arm, model="m", draws=draws, seed=seed)
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    async def back(self, *files: list[Row] | str, out: str = "out.jsonl") -> HandOverResult:
        paths = []
        for number, rows in enumerate(files):
            path = self.folder / f"results{number}.jsonl"
            if isinstance(rows, str):
                path.write_text(rows, "utf-8")
            else:
                write_jsonl(path, rows)
            paths.append(path)
        return await bring_back(self.writer, self.jobs, paths, self.folder / out, keep=2)

    def out(self, name: str = "out.jsonl") -> list[Row]:
        return [row for _, row in read_jsonl(self.folder / name) if isinstance(row, dict)]


@pytest.fixture
def exchange(scenario: Scenario, tmp_path: Path) -> Exchange:
    return Exchange(scenario, tmp_path)


def test_requests_are_what_a_batch_service_takes(exchange: Exchange) -> None:
    requests = exchange.requests(arm="prompt")
    assert len(requests) == len({row["custom_id"] for row in requests}) == 12
    for row in requests:
        assert (row["method"], row["url"]) == ("POST", "/v1/chat/completions")
        body = row["body"]
        assert (body["model"], body["enable_thinking"]) == ("m", False)
        assert not {"stream", "stream_options"} & body.keys()
        assert body["messages"][0]["role"] == "system"
    assert len({row["body"]["seed"] for row in requests}) == 12
    assert requests == exchange.requests(arm="prompt"), "the same arguments give the same file"


async def test_results_in_any_order_give_what_writing_gives(exchange: Exchange) -> None:
    results = [result(request) for request in exchange.requests()]
    brought = await exchange.back(results[::-1])
    assert (brought.written, brought.waiting, dict(brought.refused)) == (4, [], {})
    rows = exchange.out()
    assert [row["id"] for row in rows] == [job.id for job in exchange.jobs]
    for row in rows:
        assert (row["arm"], row["model"], len(row["candidates"])) == ("bare", "qwen3-8b", 1)
        for candidate in row["candidates"]:
            assert candidate["text"] == text_of({"seed": candidate["seed"]})
            assert isinstance(candidate["gates"], list)


async def test_parts_errors_and_duplicates(exchange: Exchange) -> None:
    results = [result(request) for request in exchange.requests()]
    error = {"response": None, "error": {"code": "server_error", "message": "out of memory"}}
    late, early = results[1], {**results[1], **error}
    refused = {"response": {"status_code": 400, "body": {"error": {"message": "too long"}}}}
    first = [results[0], early, *results[3:6], {**results[6], **refused}, results[3]]
    brought = await exchange.back(first)
    assert brought.written == 1, "one brief has all its draws"
    assert brought.waiting == ["b.0", "b.2", "b.3"]
    assert [("out of memory" in why or "too long" in why) for why in brought.refused] == [True] * 2
    brought = await exchange.back(first, [late, results[2], *results[7:9]])
    assert brought.written == 2
    assert brought.waiting == ["b.3"]
    assert [row["id"] for row in exchange.out()] == ["b.1", "b.0", "b.2"]
    all_failed = [{**row, **error} for row in results[9:12]]
    assert (await exchange.back(first, all_failed)).waiting == ["b.3"]
    assert (await exchange.back(results)).written == 1
    assert len(exchange.out()) == 4
    assert (await exchange.back(results)).written == 0


def cut(row: Row) -> Row:
    row["response"]["body"]["choices"][0]["finish_reason"] = "length"
    return row


def thoughts(row: Row) -> Row:
    message = row["response"]["body"]["choices"][0]["message"]
    message["content"] = f"先想一想</think>{message['content']}"
    return row


@pytest.mark.parametrize(("change", "passed"), [(cut, False), (thoughts, True)])
async def test_endings_and_thoughts_are_looked_at_here_too(
    exchange: Exchange, change: Callable[[Row], Row], passed: bool
) -> None:
    await exchange.back([change(result(request)) for request in exchange.requests()])
    for row in exchange.out():
        gates = [gate["gate"] for gate in row["candidates"][0]["gates"]]
        assert ("ending" in gates) != passed
        assert "想" not in row["candidates"][0]["text"]


async def test_what_is_not_ours_is_not_taken(exchange: Exchange, scenario: Scenario) -> None:
    requests = exchange.requests()
    results = [result(request) for request in requests]
    parts = requests[0]["custom_id"].split(".")
    strange = [
        {**results[0], "custom_id": "request-1"},
        {**results[0], "custom_id": None},
        {**results[0], "custom_id": ".".join([*parts[:5], "0" * 12, *parts[6:]])},
        {**results[0], "custom_id": requests[0]["custom_id"] + "x"},
        {**results[0], "custom_id": ".".join([*parts[:2], "3", "99", *parts[4:]])},
        {**results[0], "response": {"status_code": 200, "body": {"choices": []}}},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in strange)
    brought = await exchange.back(f"{lines}{{broken\n[]\n\n")
    assert brought.written == 0
    assert sum(brought.refused.values()) == 8
    other = Exchange(scenario, exchange.folder)
    other.writer = Writer(FakeEngine(name="another"), other.writer.gates)
    brought = await other.back(results)
    assert (brought.written, sum(brought.refused.values())) == (0, 12)


async def test_arms_are_not_mixed(exchange: Exchange) -> None:
    bare = [result(request) for request in exchange.requests()]
    prompt = [result(request) for request in exchange.requests(arm="prompt")]
    with pytest.raises(FencunError, match="bare、prompt"):
        await exchange.back(bare, prompt)
    await exchange.back(bare)
    with pytest.raises(FencunError, match="--out"):
        await exchange.back(prompt)
    assert len(exchange.out()) == 4


@pytest.mark.parametrize("edit", [{"temperature": 1.9}, {"seed": 0}, {"model": "another"}, {}])
async def test_a_request_that_was_edited_is_noticed(exchange: Exchange, edit: Row) -> None:
    requests = exchange.requests()
    results = [result(request) for request in requests]
    requests[4]["body"] |= edit
    handed = exchange.folder / "requests.jsonl"
    write_jsonl(handed, requests)
    files = [exchange.folder / "results.jsonl"]
    write_jsonl(files[0], results)
    brought = await bring_back(
        exchange.writer, exchange.jobs, files, exchange.folder / "out.jsonl", keep=2,
        requests=handed,
    )  # fmt: skip
    assert brought.waiting == (["b.1"] if edit else [])
    assert [("改过" in why, count) for why, count in brought.refused.items()] == [(True, 1)] * bool(
        edit
    )
    with pytest.raises(FencunError, match="--requests"):
        await bring_back(
            exchange.writer, exchange.jobs, files, exchange.folder / "other.jsonl", keep=2,
            requests=files[0],
        )  # fmt: skip


async def test_of_two_hand_outs_the_one_that_is_whole_counts(exchange: Exchange) -> None:
    first = [result(request) for request in exchange.requests(seed=1)]
    second = [result(request) for request in exchange.requests(seed=2)]
    brought = await exchange.back([row for row in first if row != first[0]] + second)
    assert brought.written == 4
    seeds = [row["seed"] for row in exchange.out()]
    assert seeds[0] == int(second[0]["custom_id"].split(".")[4])
    assert seeds[1] == int(first[3]["custom_id"].split(".")[4])


async def test_a_full_disk_costs_nothing_that_was_there(exchange: Exchange) -> None:
    requests = exchange.requests(draws=1)
    results = [result(request) for request in requests]
    handed = exchange.folder / "requests.jsonl"
    before = handed.read_bytes()
    with full_disk(len(before)), pytest.raises(FencunError, match=r"写不了.*没有动"):
        exchange.requests(draws=3)
    assert handed.read_bytes() == before
    assert not list(exchange.folder.glob(".*")), "nothing half-written lies about"
    write_jsonl(exchange.folder / "results0.jsonl", results)
    out = exchange.folder / "out.jsonl"
    with full_disk(400), pytest.raises(FencunError, match=r"写不了.*都还在"):
        await bring_back(
            exchange.writer, exchange.jobs, [exchange.folder / "results0.jsonl"], out, keep=2
        )
    assert out.read_bytes() == b""
    assert (await exchange.back(results)).written == 4


def test_a_batch_goes_out_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    briefs, requests = tmp_path / "briefs.jsonl", tmp_path / "requests.jsonl"
    results, out = tmp_path / "results.jsonl", tmp_path / "out.jsonl"
    rows = [{"id": f"b{n}", "salutation": "老周", "relation": "发小"} for n in range(2)]
    write_jsonl(briefs, rows)
    monkeypatch.setenv("FENCUN_ENDPOINT", "http://there.invalid/v1")
    monkeypatch.setenv("FENCUN_ENDPOINT_MODEL", "m")

    def fencun(*arguments: str) -> Result:
        return CliRunner().invoke(app_for(arguments), arguments)

    given = ("write", "--briefs", str(briefs))
    ended = fencun(*given, "--to-batch", str(requests), "--draws", "2", "--seed", "7")
    assert (ended.exit_code, "4" in ended.output) == (0, True), ended.output
    asked = [row for _, row in read_jsonl(requests) if isinstance(row, dict)]
    choice = {"message": {"content": "老周，新年好，少熬夜。"}, "finish_reason": "stop"}
    body = {"status_code": 200, "body": {"choices": [choice]}}
    told = [{"custom_id": row["custom_id"], "response": body} for row in asked]
    write_jsonl(results, told[:3])
    back = (*given, "--from-batch", str(results), "--out", str(out))
    ended = fencun(*back)
    assert "b1" in str(ended.exception)
    write_jsonl(tmp_path / "more.jsonl", told[3:])
    ended = fencun(*back, "--from-batch", str(tmp_path / "more.jsonl"))
    assert ended.exit_code == 0, ended.output
    written = [row for _, row in read_jsonl(out) if isinstance(row, dict)]
    assert [row["id"] for row in written] == ["b0", "b1"]
    assert written[0]["candidates"][0]["text"] == "老周，新年好，少熬夜。"
    assert fencun(*given, "--to-batch", str(requests), "--out", str(out)).exit_code == 2
    assert fencun(*given, "--to-batch", str(requests), "--requests", str(requests)).exit_code == 2
    assert fencun("write", "--from-batch", str(results), "--out", str(out)).exit_code == 2
    ended = fencun(*given, "--to-batch", str(requests), "--arm", "tuned")
    assert "适配器" in str(ended.exception), "no tuned model is named at that endpoint"
