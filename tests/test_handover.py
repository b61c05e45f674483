"""Requests for a Batch service, and its results in any shape they come back in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fencun.batch import Job, read_jobs
from fencun.cli import app_for
from fencun.errors import FencunError
from fencun.files import read_jsonl, write_jsonl
from fencun.gates import Gates
from fencun.handover import Brought, bring_back, hand_out
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


class Desk:
    """Hands out and brings back in a folder, with a model of its own."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.folder = folder
        self.writer = Writer(FakeEngine(name="qwen3-8b"), Gates(scenario))
        rows = [
            {"id": f"b.{n}", "salutation": "老友", "relation": "发小", "length": "短"}
            for n in range(4)
        ]
        write_jsonl(folder / "in.jsonl", rows)
        self.jobs: list[Job] = read_jobs(folder / "in.jsonl", scenario)[0]

    def requests(self, arm: Arm = "bare", draws: int = 3, seed: int = 1) -> list[Row]:
        path = self.folder / "requests.jsonl"
        hand_out(self.writer, self.jobs, path, arm=arm, model="m", draws=draws, seed=seed)
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    async def back(self, *files: list[Row] | str, out: str = "out.jsonl") -> Brought:
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
def desk(scenario: Scenario, tmp_path: Path) -> Desk:
    return Desk(scenario, tmp_path)


def test_requests_are_what_a_batch_service_takes(desk: Desk) -> None:
    requests = desk.requests(arm="prompt")
    assert len(requests) == len({row["custom_id"] for row in requests}) == 12
    for row in requests:
        assert (row["method"], row["url"]) == ("POST", "/v1/chat/completions")
        body = row["body"]
        assert (body["model"], body["enable_thinking"]) == ("m", False)
        assert not {"stream", "stream_options"} & body.keys()
        assert body["messages"][0]["role"] == "system"
    assert len({row["body"]["seed"] for row in requests}) == 12
    assert requests == desk.requests(arm="prompt"), "the same arguments give the same file"


async def test_results_in_any_order_give_what_writing_gives(desk: Desk) -> None:
    results = [result(request) for request in desk.requests()]
    brought = await desk.back(results[::-1])
    assert (brought.written, brought.waiting, dict(brought.refused)) == (4, [], {})
    rows = desk.out()
    assert [row["id"] for row in rows] == [job.id for job in desk.jobs]
    for row in rows:
        assert (row["arm"], row["model"], len(row["candidates"])) == ("bare", "qwen3-8b", 1)
        for candidate in row["candidates"]:
            assert candidate["text"] == text_of({"seed": candidate["seed"]})
            assert isinstance(candidate["gates"], list)


async def test_parts_errors_and_duplicates(desk: Desk) -> None:
    results = [result(request) for request in desk.requests()]
    error = {"response": None, "error": {"code": "server_error", "message": "out of memory"}}
    late, early = results[1], {**results[1], **error}
    refused = {"response": {"status_code": 400, "body": {"error": {"message": "too long"}}}}
    first = [results[0], early, *results[3:6], {**results[6], **refused}, results[3]]
    brought = await desk.back(first)
    assert brought.written == 1, "one brief has all its draws"
    assert brought.waiting == ["b.0", "b.2", "b.3"]
    assert [("out of memory" in why or "too long" in why) for why in brought.refused] == [True] * 2
    brought = await desk.back(first, [late, results[2], *results[7:9]])
    assert brought.written == 2
    assert brought.waiting == ["b.3"]
    assert [row["id"] for row in desk.out()] == ["b.1", "b.0", "b.2"]
    all_failed = [{**row, **error} for row in results[9:12]]
    assert (await desk.back(first, all_failed)).waiting == ["b.3"]
    assert (await desk.back(results)).written == 1
    assert len(desk.out()) == 4
    assert (await desk.back(results)).written == 0


def cut(row: Row) -> Row:
    row["response"]["body"]["choices"][0]["finish_reason"] = "length"
    return row


def thoughts(row: Row) -> Row:
    message = row["response"]["body"]["choices"][0]["message"]
    message["content"] = f"先想一想</think>{message['content']}"
    return row


@pytest.mark.parametrize(("change", "passed"), [(cut, False), (thoughts, True)])
async def test_endings_and_thoughts_are_looked_at_here_too(
    desk: Desk, change: Callable[[Row], Row], passed: bool
) -> None:
    await desk.back([change(result(request)) for request in desk.requests()])
    for row in desk.out():
        gates = [gate["gate"] for gate in row["candidates"][0]["gates"]]
        assert ("ending" in gates) != passed
        assert "想" not in row["candidates"][0]["text"]


async def test_what_is_not_ours_is_not_taken(desk: Desk, scenario: Scenario) -> None:
    requests = desk.requests()
    results = [result(request) for request in requests]
    parts = requests[0]["custom_id"].split(".")
    strange = [
        {**results[0], "custom_id": "request-1"},
        {**results[0], "custom_id": None},
        {**results[0], "custom_id": ".".join([*parts[:4], "0" * 12, *parts[5:]])},
        {**results[0], "custom_id": requests[0]["custom_id"] + "x"},
        {**results[0], "custom_id": ".".join([parts[0], "3", "99", *parts[3:]])},
        {**results[0], "response": {"status_code": 200, "body": {"choices": []}}},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in strange)
    brought = await desk.back(f"{lines}{{broken\n[]\n\n")
    assert brought.written == 0
    assert sum(brought.refused.values()) == 8
    other = Desk(scenario, desk.folder)
    other.writer = Writer(FakeEngine(name="another"), other.writer.gates)
    brought = await other.back(results)
    assert (brought.written, sum(brought.refused.values())) == (0, 12)


async def test_arms_are_not_mixed(desk: Desk) -> None:
    bare = [result(request) for request in desk.requests()]
    prompt = [result(request) for request in desk.requests(arm="prompt")]
    with pytest.raises(FencunError, match="bare、prompt"):
        await desk.back(bare, prompt)
    await desk.back(bare)
    with pytest.raises(FencunError, match="--out"):
        await desk.back(prompt)
    assert len(desk.out()) == 4


async def test_of_two_hand_outs_the_one_that_is_whole_counts(desk: Desk) -> None:
    first = [result(request) for request in desk.requests(seed=1)]
    second = [result(request) for request in desk.requests(seed=2)]
    brought = await desk.back([row for row in first if row != first[0]] + second)
    assert brought.written == 4
    seeds = [row["seed"] for row in desk.out()]
    assert seeds[0] == int(second[0]["custom_id"].split(".")[3])
    assert seeds[1] == int(first[3]["custom_id"].split(".")[3])


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
    assert fencun("write", "--from-batch", str(results), "--out", str(out)).exit_code == 2
