"""Small-scale breeding: what is hungry is planned, each draft judged, none lost or paid twice."""

import asyncio
import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from data_case import row, small_scenario, write
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.data.breed import JOURNAL, Breeding, Budget, bring_back
from fencun.data.breeder import ModelBreeder, Written, read_fields
from fencun.data.coverage import cell_of
from fencun.data.lines import Line, iterate_lines, read_lines
from fencun.data.plan import Birth, plan, read_plan, write_plan
from fencun.data.targets import Targets, load_targets
from fencun.errors import EngineError, FencunError, RecordError
from fencun.files import Json, read_jsonl
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario

SEEDS = [
    row("s1", "妈，窗台上那盆水仙开了，给您拜年，您歇着，锅我刷。"),
    row("s2", "妈，三十晚上我到家，灶上给我留碗热汤就成。"),
    row("s3", "哥，渔网晒在墙根了，等你回来一块补。", salutation="哥", relation="兄弟姐妹"),
]
TEXTS = (
    "爸，渔船我检查过了，缆绳也换了新的，您过年好。",
    "妈，鸡窝的门我钉牢了，黄鼠狼进不来，您踏实睡。",
    "爸，自行车链条上过油了，您初五去集上骑着轻。",
    "妈，老花镜给您配好了，放在针线筐里，过年好。",
    "爸，炉膛里我添好煤了，夜里您不用起来看。",
    "妈，被子晒过了，有太阳味，您今晚早点钻进去。",
)


def rows(path: Path) -> list[Json]:
    return [given for _, given in read_jsonl(path) if isinstance(given, dict)]


@pytest.fixture
def small(tmp_path: Path) -> Scenario:
    return small_scenario(tmp_path / "scenario", SEEDS)


@pytest.fixture
def lines(small: Scenario) -> list[Line]:
    return read_lines([small.folder / "seeds.jsonl"], small).lines


def births(count: int, **fields: str) -> list[Birth]:
    values = {"relation": "父母", "occasion": "小年", "style": "真诚走心", "length": "一句话"}
    return [Birth(f"b{at:04d}", "s1", values | fields, "空", "") for at in range(1, count + 1)]


class Author:
    """Writes what it was given, in turn, and remembers what it was asked."""

    name = "小李"

    def __init__(self, texts: Sequence[str], **fields: str) -> None:
        self._texts = iter(texts)
        self._fields = {"salutation": "爸", "detail": "", "why": ""} | fields
        self.asked: list[tuple[str, list[str], int]] = []

    async def write(
        self, birth: Birth, parent: Line, siblings: Sequence[str], attempt: int
    ) -> Written:
        self.asked.append((birth.id, list(siblings), attempt))
        text = next(self._texts)
        fields = {**self._fields, "salutation": text[0], "text": text}
        return Written(fields, json.dumps(fields), prompt_tokens=100, completion_tokens=50)


# --- plans -------------------------------------------------------------------------------


def test_a_plan_feeds_hungry_cells_within_its_caps(scenario: Scenario) -> None:
    lines = read_lines([scenario.folder / "seeds.jsonl"], scenario).lines
    targets = load_targets(scenario)
    planned = plan(scenario, lines, targets, 400)
    assert len(planned) == 400
    assert plan(scenario, lines, targets, 400) == planned, "same input, same plan"
    by_id = {line.id: line for line in lines}
    for birth in planned:
        assert birth.values["relation"] == by_id[birth.parent].brief.values["relation"]
        assert targets.allows(birth.values)
        assert not (birth.topic and birth.typing == "空")
    relations = Counter(line.brief.values["relation"] for line in lines)
    relations.update(birth.values["relation"] for birth in planned)
    shares = targets.along("relation", relations)
    for relation, count in relations.items():
        assert abs(count - shares[relation] * 1048) < 1.01, "the hungry are fed first"
    cells = [cell_of(line) for line in lines]
    cells += [{**b.values, "typing": b.typing, "tact": b.topic or "无"} for b in planned]
    aims = (("tact", "无", 0.88), ("typing", "空", 0.06), ("style", "真诚走心", 0.17))
    for axis, value, share in aims:
        have = sum(cell[axis] == value for cell in cells) / len(cells)
        assert have == pytest.approx(share, abs=0.02), (axis, value)
    assert max(Counter(birth.parent for birth in planned).values()) <= 8


def test_caps_bind(small: Scenario, lines: list[Line]) -> None:
    few = plan(small, lines, Targets(), 100, per_seed=2)
    assert Counter(birth.parent for birth in few) == {"s1": 2, "s2": 2, "s3": 2}
    spread = plan(small, lines, Targets(), 100, per_seed=90, per_cell=1)
    cells = Counter((b.values["relation"], b.values["occasion"]) for b in spread)
    assert set(cells.values()) == {1}
    assert ("父母", "小年") not in cells, "what is there counts"
    assert len(spread) == 2 * 13 - 2


def test_a_plan_file_comes_back_as_it_was(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    planned = plan(small, lines, load_targets(small), 12)
    path = tmp_path / "plan.jsonl"
    write_plan(path, planned)
    assert read_plan(path, small) == planned
    for bent, said in (
        ({"relation": "火星人"}, "火星人"), ({"id": None}, "id"), ({"tact": "考砸"}, "考砸"),
        ({"extra": 1}, "不要别的"),
    ):  # fmt: skip
        write(path, [planned[0].to_row() | bent])
        with pytest.raises(RecordError, match=said):
            read_plan(path, small)


def test_ids_go_on_where_the_last_plan_ended(small: Scenario, lines: list[Line]) -> None:
    child = row("b0041", TEXTS[0], parent="s1", salutation="爸")
    path = write(small.folder / "drafts.jsonl", [child])
    known = [*lines, *read_lines([path], small).lines]
    assert plan(small, known, Targets(), 2)[0].id == "b0042"


# --- runs --------------------------------------------------------------------------------


def test_good_drafts_are_kept_with_their_lineage(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    out = tmp_path / "run-7"
    author = Author(TEXTS)
    outcome = asyncio.run(Breeding(small, out, births(3), lines).breed(author))
    assert (outcome.kept, outcome.given_up, outcome.spent.calls) == (3, 0, 3)
    drafts = rows(out / "drafts.jsonl")
    assert [draft["text"] for draft in drafts] == list(TEXTS[:3])
    assert {(d["parent"], d["breeder"], d["run"]) for d in drafts} == {("s1", "小李", "run-7")}
    assert [siblings for _, siblings, _ in author.asked] == [[], [TEXTS[0]], list(TEXTS[:2])]
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["drafts"] == 3
    assert manifest["spent"]["prompt_tokens"] == 300
    good = read_lines([small.folder / "seeds.jsonl", out / "drafts.jsonl"], small)
    assert not good.bad


@pytest.mark.parametrize(
    ("text", "fields", "gate"),
    [
        ("爸，值此新春之际，愿您万事如意。", {}, "cliche"),
        ("妈，窗台上那盆水仙开了，给您拜年，您歇着，碗我刷。", {}, "overlap"),
        ("爸，打我电话13912345678，我去接您过年。", {}, "privacy"),
        (TEXTS[0], {"detail": "我们一起补过渔网"}, "plan"),
        ("爸好", {}, "length"),
        ("", {}, "record"),
    ],
)
def test_a_refused_draft_is_set_aside_with_its_reason(
    small: Scenario, lines: list[Line], tmp_path: Path, text: str, fields: dict[str, str],
    gate: str,
) -> None:  # fmt: skip
    class Fixed(Author):
        async def write(self, *asked: Any) -> Written:
            given = {"salutation": "爸", "detail": "", "why": "", "text": text} | fields
            return Written({**given, "salutation": text[:1] or "爸"}, "", 1, 1)

    outcome = asyncio.run(Breeding(small, tmp_path, births(1), lines, tries=1).breed(Fixed(())))
    assert (outcome.kept, outcome.given_up) == (0, 1)
    assert outcome.refusals[gate] == 1
    (aside,) = rows(tmp_path / "aside.jsonl")
    assert aside["row"]["text"] == text
    assert gate in {reason["gate"] for reason in aside["reasons"]}
    assert rows(tmp_path / "drafts.jsonl") == []


def test_a_topic_that_was_planned_must_be_told(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    planned = [Birth("b1", "s1", births(1)[0].values, "短", "离婚分手")]
    author = Author(TEXTS, detail="她刚离婚")
    asyncio.run(Breeding(small, tmp_path / "told", planned, lines).breed(author))
    (draft,) = rows(tmp_path / "told" / "drafts.jsonl")
    assert draft["tact"] == {"topic": "离婚分手", "handling": "不提"}
    silent = Author(TEXTS, detail="搬过一次家")
    outcome = asyncio.run(Breeding(small, tmp_path / "silent", planned, lines).breed(silent))
    assert outcome.refusals["plan"] == 2, "tried twice"


def test_another_try_may_succeed(small: Scenario, lines: list[Line], tmp_path: Path) -> None:
    author = Author(["爸好", TEXTS[0]])
    outcome = asyncio.run(Breeding(small, tmp_path, births(1), lines, tries=2).breed(author))
    assert (outcome.kept, outcome.given_up) == (1, 0)
    assert [attempt for *_, attempt in author.asked] == [0, 1]
    assert rows(tmp_path / "aside.jsonl") == [], "a child that was born is not aside"


def test_two_children_of_one_run_may_not_be_twins(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    author = Author([TEXTS[0], TEXTS[0].replace("爸，", "爸，哎，")])
    outcome = asyncio.run(Breeding(small, tmp_path, births(2), lines, tries=1).breed(author))
    assert (outcome.kept, outcome.refusals["overlap"]) == (1, 1)


def test_a_broken_run_goes_on_and_pays_nothing_twice(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    class Dying(Author):
        async def write(self, *asked: Any) -> Written:
            if len(self.asked) == 2:
                raise EngineError("断了。", "Gone.")
            return await super().write(*asked)

    with pytest.raises(EngineError):
        asyncio.run(Breeding(small, tmp_path, births(4), lines).breed(Dying(TEXTS)))
    assert len(rows(tmp_path / "drafts.jsonl")) == 2
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b'{"birth": "b0003", "outc')  # as a killed process leaves it
    author = Author(TEXTS[2:])
    run = Breeding(small, tmp_path, births(4), lines)
    assert [birth.id for birth in run.waiting] == ["b0003", "b0004"]
    outcome = asyncio.run(run.breed(author))
    assert (outcome.kept, outcome.spent.calls) == (4, 4)
    assert [asked[0] for asked in author.asked] == ["b0003", "b0004"]
    assert [d["text"] for d in rows(tmp_path / "drafts.jsonl")] == list(TEXTS[:4])


@pytest.mark.parametrize(
    ("budget", "calls", "stopped"),
    [
        (Budget(calls=2), 2, "calls"),
        (Budget(tokens=400), 3, "tokens"),
        (Budget(money=0.0004, price_in=1.0, price_out=2.0), 2, "money"),
    ],
)
def test_the_budget_ends_a_run_and_outlives_it(
    small: Scenario, lines: list[Line], tmp_path: Path, budget: Budget, calls: int, stopped: str
) -> None:
    run = Breeding(small, tmp_path, births(6), lines, budget=budget)
    outcome = asyncio.run(run.breed(Author(TEXTS), parallel=1))
    assert (outcome.spent.calls, outcome.stopped) == (calls, stopped)
    again = Breeding(small, tmp_path, births(6), lines, budget=budget)
    assert asyncio.run(again.breed(Author(()))).spent.calls == calls


def test_parallel_calls_keep_to_the_budget(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    class Slow(Author):
        async def write(self, *asked: Any) -> Written:
            await asyncio.sleep(0.01)
            return await super().write(*asked)

    run = Breeding(small, tmp_path, births(6), lines, budget=Budget(calls=4))
    assert asyncio.run(run.breed(Slow(TEXTS), parallel=3)).spent.calls == 4


def test_a_refused_draft_can_be_brought_back(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    asyncio.run(Breeding(small, tmp_path, births(1), lines, tries=1).breed(Author(["爸好"])))
    assert bring_back(small, tmp_path, ["b0001"]) == 1
    assert [draft["text"] for draft in rows(tmp_path / "drafts.jsonl")] == ["爸好"]
    assert rows(tmp_path / "aside.jsonl") == []
    assert Breeding(small, tmp_path, births(1), lines).waiting == []
    with pytest.raises(FencunError, match="b0009"):
        bring_back(small, tmp_path, ["b0009"])


def test_a_parent_that_is_not_there_is_named(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    with pytest.raises(FencunError, match="s1"):
        Breeding(small, tmp_path, births(1), lines[1:])


# --- models ------------------------------------------------------------------------------


def test_a_model_reads_charter_parent_and_siblings(small: Scenario, lines: list[Line]) -> None:
    answer = (
        f"好的：\n```json\n{json.dumps({'salutation': '爸', 'detail': '', 'text': TEXTS[0]})}\n```"
    )
    engine = FakeEngine([answer], name="some-model")
    breeder = ModelBreeder(engine, small)
    (birth,) = births(1)
    written = asyncio.run(breeder.write(birth, lines[0], ["旧的一条"], 0))
    assert written.fields == {"salutation": "爸", "detail": "", "text": TEXTS[0], "why": ""}
    assert written.prompt_tokens > 0
    (chat, decoding) = engine.calls[0]
    told = "\n".join(message["content"] for message in chat)
    assert "有分寸" in told, "the charter is read"
    for said in ("水仙", "旧的一条", "小年", "10到30字", "交往细节：留空"):
        assert said in told
    assert breeder.name == "some-model"
    asyncio.run(breeder.write(birth, lines[0], [], 1))
    assert engine.calls[1][1].seed != decoding.seed, "another try is another draw"


@pytest.mark.parametrize(
    "answer",
    ["", "不会", "{}", '{"text": 3}', "[1]", "{" * 5000, '{"text": "只有正文"}', "\ud800{"],
)
def test_an_answer_in_no_form_is_no_draft(answer: str) -> None:
    assert read_fields(answer, ("salutation", "detail", "text", "why")) is None


def test_nothing_in_an_answer_can_change_the_plan() -> None:
    answer = '{"salutation": "爸", "detail": "", "text": "好", "why": "", "parent": "x", "id": "y"}'
    fields = read_fields(answer, ("salutation", "detail", "text", "why"))
    assert fields == {"salutation": "爸", "detail": "", "text": "好", "why": ""}


# --- command line ------------------------------------------------------------------------


def fencun(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app_for(words), words)


def test_from_plan_to_drafts_with_a_model(
    small: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = iter(TEXTS)

    def answer(*_: Any) -> str:
        text = next(texts)
        fields = {"salutation": text[0], "detail": "", "text": text, "why": ""}
        return json.dumps(fields, ensure_ascii=False)

    engine = FakeEngine(answer, name="m")
    monkeypatch.setattr("fencun.models.open.open_engine", lambda *_, **__: engine)
    plan_file, out = tmp_path / "plan.jsonl", tmp_path / "run"
    common = ("--scenario", small.folder)
    planned = fencun("data", "plan", 2, "--out", plan_file, *common)
    assert planned.exit_code == 0, planned.output
    write_plan(plan_file, births(2))
    done = fencun("data", "breed", "--plan", plan_file, "--out", out, *common, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["kept"] == 2
    assert engine.closed
    brought = fencun("data", "import", out / "drafts.jsonl", *common,
                     "--out", small.folder / "drafts.jsonl")  # fmt: skip
    assert "收进 2 条" in brought.stdout
    (first, _) = rows(small.folder / "drafts.jsonl")
    assert (first["breeder"], first["run"]) == ("m", "run")


def test_the_embedded_model_has_room_for_the_longest_prompt(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A character is at most one token of Qwen; the charter alone fills the usual context."""
    known = [*iterate_lines(scenario.folder / "seeds.jsonl", scenario),
             *iterate_lines(scenario.folder / "drafts.jsonl", scenario)]  # fmt: skip
    lines = [line for line in known if isinstance(line, Line)]
    longest = sorted((line.text for line in lines), key=len)[-6:]
    parent = max(lines, key=lambda line: len(line.text) + len(line.brief.value("detail")))
    engine, opened = FakeEngine(["{}"]), dict[str, Any]()

    def open_engine(model: str | None, **options: Any) -> FakeEngine:
        opened.update(options)
        return engine

    monkeypatch.setattr("fencun.models.open.open_engine", open_engine)
    (birth,) = births(1, length="长", occasion="红包留言")
    asyncio.run(ModelBreeder(engine, scenario).write(birth, parent, longest, 0))
    write_plan(tmp_path / "plan.jsonl", [Birth("b1", "s0001", birth.values, "空", "")])
    out = ("--plan", tmp_path / "plan.jsonl", "--out", tmp_path / "run", "--tries", 1)
    assert fencun("data", "breed", *out).exit_code == 0
    chat, decoding = engine.calls[0]
    assert sum(len(message["content"]) for message in chat) > 3072
    assert (
        sum(len(message["content"]) for message in chat) + decoding.max_tokens < opened["context"]
    )


def test_a_cut_answer_is_no_draft(small: Scenario, lines: list[Line], tmp_path: Path) -> None:
    cut = json.dumps({"salutation": "爸", "detail": "", "text": TEXTS[0]}, ensure_ascii=False)
    engine = FakeEngine([cut.ljust(700)])  # a token is a character: the budget is used up
    breeder = ModelBreeder(engine, small)
    outcome = asyncio.run(Breeding(small, tmp_path, births(1), lines, tries=1).breed(breeder))
    assert (outcome.kept, outcome.refusals["form"]) == (0, 1)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_from_plan_to_drafts_with_people(small: Scenario, tmp_path: Path, suffix: str) -> None:
    plan_file, sheet = tmp_path / "plan.jsonl", tmp_path / f"sheet{suffix}"
    write_plan(plan_file, births(2))
    common = ("--scenario", small.folder)
    handed = fencun("data", "breed", "--plan", plan_file, "--to-file", sheet, *common)
    assert handed.exit_code == 0, handed.output
    _fill_first(sheet, {"称呼": "爸", "正文": TEXTS[0]})
    out = tmp_path / "drafts.jsonl"
    done = fencun(
        "data", "import", sheet, "--out", out, "--breeder", "小李", "--run", "r1", *common
    )
    assert "收进 1 条" in done.stdout, done.output
    assert "1 行没写" in done.stdout
    (draft,) = rows(out)
    told = {key: draft[key] for key in ("id", "parent", "text", "breeder", "run", "occasion")}
    assert told == {"id": "b0001", "parent": "s1", "text": TEXTS[0], "breeder": "小李",
                    "run": "r1", "occasion": "小年"}  # fmt: skip


def _fill_first(sheet: Path, cells: dict[str, str]) -> None:
    if sheet.suffix == ".csv":
        with sheet.open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.reader(file))
        for name, value in cells.items():
            table[1][table[0].index(name)] = value
        with sheet.open("w", encoding="gbk", newline="") as file:  # as Excel on Windows saves it
            csv.writer(file).writerows(table)
        return
    from openpyxl import load_workbook

    book = load_workbook(sheet)
    page = book["fencun"]
    header = [cell.value for cell in page[1]]
    for name, value in cells.items():
        page.cell(2, header.index(name) + 1, value)
    book.save(sheet)


def test_money_needs_prices(small: Scenario, tmp_path: Path) -> None:
    plan_file = tmp_path / "plan.jsonl"
    write_plan(plan_file, births(1))
    ended = fencun("data", "breed", "--plan", plan_file, "--max-money", 1, "--out", tmp_path / "o",
                   "--scenario", small.folder)  # fmt: skip
    assert "--price-in" in str(ended.exception)


def test_restore_on_the_command_line(small: Scenario, lines: list[Line], tmp_path: Path) -> None:
    asyncio.run(Breeding(small, tmp_path, births(1), lines, tries=1).breed(Author(["爸好"])))
    done = fencun("data", "restore", tmp_path, "b0001", "--scenario", small.folder)
    assert "拿回 1 条" in done.stdout
    again = fencun("data", "restore", tmp_path, "b0001", "--scenario", small.folder)
    assert again.exit_code == 1
