"""Small inputs that once failed, each with what is right: tests/data/cases.

Each is one of a kind; the tests of the kind stand beside the module that it is about.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import chat_server
import pytest
import web_app
from cli_case import run
from data_case import row, small_scenario
from typer.testing import Result

from fencun.brief import parse_brief
from fencun.gates import Gates, passes
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario

CASES = Path(__file__).parent / "data" / "cases"
TEXT = "老周，树还在，咱俩爬不动了，给你拜年，少熬夜。"
BRIEF = ("--salutation", "老周", "--relation", "发小", "--occasion", "除夕", "--length", "一句话")


def lines_of(name: str) -> list[str]:
    return [line.split("\t")[0] for line in (CASES / name).read_text("utf-8").splitlines() if line]


def rows_of(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (CASES / name).read_text("utf-8").splitlines()]


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Result]]:
    """Write one text through an endpoint that answers with a file, whatever it is asked."""
    said = b""
    with chat_server.serving(lambda _: said) as server:

        def written(name: str) -> Result:
            nonlocal said
            said = (CASES / name).read_bytes()
            return run("write", *BRIEF, "-n", "1", "--draws", "1", "--json")

        monkeypatch.setenv("FENCUN_ENDPOINT", server.url)
        monkeypatch.setenv("FENCUN_ENDPOINT_MODEL", "m")
        yield written


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("think_closing_only.sse", TEXT),
        ("content_parts.sse", TEXT),
        ("not_streamed.json", TEXT),
        ("surrogate_pair_split.sse", "老周😀，树还在，给你拜年，少熬夜。"),
    ],
)
def test_what_can_be_read_is_read(write: Callable[[str], Result], name: str, text: str) -> None:
    done = write(name)
    assert done.exit_code == 0, done.exception
    told = json.loads(done.stdout)
    assert [each["text"] for each in told["candidates"]] == [text]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("reasoning_only.sse", "只给出了思考"),
        ("thinking_used_all_tokens.sse", "只给出了思考"),
        ("error_in_200.json", "Invalid API-key provided.*FENCUN_ENDPOINT_KEY"),
    ],
)
def test_what_is_no_text_is_an_error(write: Callable[[str], Result], name: str, told: str) -> None:
    done = write(name)
    assert done.exit_code == 1
    with pytest.raises(type(done.exception), match=told):  # type: ignore[arg-type]
        raise done.exception  # type: ignore[misc]


def test_a_text_that_was_cut_is_a_fault(write: Callable[[str], Result]) -> None:
    done = write("length_cut.sse")
    told = json.loads(done.stdout)
    assert told["passed"] == 0
    [candidate] = told["candidates"]
    assert candidate["text"] == "老周，树还在，咱俩爬"
    assert "没有写完" in json.dumps(candidate, ensure_ascii=False)


RANGES = {
    "不少于80字": (80, 120), "至少50最多80字": (50, 80), "二十多字": (21, 29),
    "50字以內": (25, 50), "小于50字": (24, 49), "不多于50字": (25, 50), "超过50字": (51, 76),
    "50－80字": (50, 80), "50个汉字": (40, 60), "50 characters max": (25, 50),
}  # fmt: skip


def test_lengths(scenario: Scenario) -> None:
    assert lines_of("lengths.txt") == list(RANGES)
    for typed, ends in RANGES.items():
        length = parse_brief(scenario, {**web_app.BRIEF, "length": typed}).length
        assert length is not None
        assert (length.min, length.max) == ends, typed


OCCASIONS = {
    "腊月三十": "除夕", "正月初八开工": "开工", "春节串门": "走亲戚", "春节红包": "红包留言",
    "腊月廿三": "小年",
}  # fmt: skip


def test_occasions(scenario: Scenario) -> None:
    assert lines_of("occasions.txt") == list(OCCASIONS)
    for typed, value in OCCASIONS.items():
        brief = parse_brief(scenario, {**web_app.BRIEF, "occasion": typed})
        assert brief.values["occasion"] == value, typed
        assert [r.typed for r in brief.readings if r.field == "occasion"] == [typed]


@pytest.mark.parametrize("case", rows_of("salutations.jsonl"), ids=lambda c: c["salutation"])
def test_a_salutation_can_be_satisfied(scenario: Scenario, case: dict[str, str]) -> None:
    brief = parse_brief(scenario, {name: said for name, said in case.items() if name != "id"})
    called = brief.value("salutation")
    assert called == case["salutation"].rstrip("：")
    text = f"{called}，树还在，咱俩爬不动了，给你拜年，少熬夜。"
    assert passes(Gates(scenario).check(text, brief))


@pytest.mark.parametrize("case", rows_of("traditional.jsonl"), ids=lambda c: c["salutation"])
def test_traditional_characters_are_gated_as_simplified_ones(
    scenario: Scenario, case: dict[str, str]
) -> None:
    brief = parse_brief(scenario, {"salutation": case["salutation"], "relation": case["relation"]})
    found = Gates(scenario).check(case["text"], brief)
    assert ("cliche", "fault") in {(finding.gate, finding.severity) for finding in found}


@pytest.mark.parametrize("name", ["alpaca_array.json", "messages.jsonl", "sharegpt.jsonl"])
def test_chats_come_in(tmp_path: Path, name: str) -> None:
    small = small_scenario(tmp_path / "scenario", [row("s1")])
    out = tmp_path / "in.jsonl"
    done = run(
        "data", "import", str(CASES / name), "--out", str(out), "--scenario", str(small.folder)
    )
    assert done.exit_code == 0, done.output
    [taken] = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert (taken["text"], taken["relation"], taken["length"]) == (TEXT, "发小死党", "一句话")
    assert ("system 提示词" in done.stderr) is (name == "messages.jsonl")


@pytest.mark.parametrize(
    ("name", "told"), [("two_sheets.xlsx", "--sheet"), ("unescaped_quote.csv", "引号")]
)
def test_a_table_that_is_not_plain_is_asked_about(tmp_path: Path, name: str, told: str) -> None:
    small = small_scenario(tmp_path / "scenario", [row("s1")])
    out = tmp_path / "in.jsonl"
    done = run(
        "data", "import", str(CASES / name), "--out", str(out), "--scenario", str(small.folder)
    )
    assert done.exit_code == 1
    assert told in f"{done.output}{done.stderr}{done.exception}"
    assert not out.exists()


def test_a_rare_name_is_drawn_or_said(scenario: Scenario) -> None:
    body = json.loads((CASES / "card_rare_name.json").read_text("utf-8"))
    with web_app.client(web_app.app(scenario)) as client:
        refused = client.post("/api/cards", json=body)
    assert refused.status_code == 422
    assert "𠮷" in refused.json()["error"]["message"]


@pytest.mark.parametrize("name", ["v1_max_tokens.json", "v1_brief_zh_keys.json"])
def test_v1(scenario: Scenario, name: str) -> None:
    body = json.loads((CASES / name).read_text("utf-8"))
    with web_app.client(web_app.app(scenario, FakeEngine([TEXT]))) as client:
        answer = client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == TEXT


def test_no_case_is_left_out() -> None:
    source = Path(__file__).read_text("utf-8")
    assert [path.name for path in CASES.iterdir() if f'"{path.name}"' not in source] == []
