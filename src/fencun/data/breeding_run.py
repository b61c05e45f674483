"""A run of breeding: planned children written one by one, judged, kept or set aside.

Every attempt goes into ``journal.jsonl`` before the next begins, so that a killed run goes on
where it was and no call is paid twice. ``drafts.jsonl``, ``aside.jsonl`` and the manifest are
made from the journal.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fencun.data.axes import typing_of
from fencun.data.breeder import Breeder, WrittenDraft
from fencun.data.breeding_plan import PlannedChild
from fencun.data.lines import Line, parse_row
from fencun.data.overlap import GRAM, OVERLAP
from fencun.data.privacy import find_private
from fencun.errors import FencunError, RecordError
from fencun.files import Appender, Json, read_jsonl, sha256_file, write_json, write_jsonl
from fencun.gates import Finding, Gates
from fencun.grams import GramIndex
from fencun.models.batchfile import WaitingError
from fencun.scenario import Scenario

JOURNAL = "journal.jsonl"
DRAFTS = "drafts.jsonl"
ASIDE = "aside.jsonl"
MANIFEST = "manifest.json"
_MILLION = 1_000_000

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may cost in all, restarts included; None is no limit. Prices per million tokens.

    Calls are kept to exactly; tokens and money are known only after a call, so that the calls
    under way may go beyond.
    """

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None
    price_in: float = 0.0
    price_out: float = 0.0


@dataclass(slots=True)
class Spent:
    """What a run has cost so far."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    money: float = 0.0

    def add(self, prompt: int, completion: int, budget: Budget) -> None:
        """Count one call."""
        self.calls += 1
        self.prompt_tokens += prompt
        self.completion_tokens += completion
        self.money += (prompt * budget.price_in + completion * budget.price_out) / _MILLION

    def exhausts(self, budget: Budget, under_way: int = 0) -> str:
        """Return which limit is reached: ``calls``, ``tokens``, ``money``; empty if none is."""
        tokens = self.prompt_tokens + self.completion_tokens
        for name, used, limit in (
            ("calls", self.calls + under_way, budget.calls),
            ("tokens", tokens, budget.tokens),
            ("money", self.money, budget.money),
        ):
            if limit is not None and used >= limit:
                return name
        return ""


@dataclass(slots=True)
class BreedingOutcome:
    """How a run stands: drafts kept, refused attempts by gate, what was spent, why it stopped."""

    planned: int
    kept: int = 0
    given_up: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    spent: Spent = field(default_factory=Spent)
    stopped: str = ""

    def to_row(self) -> Json:
        """Return what the manifest tells of it."""
        return {
            "planned": self.planned,
            "given_up": self.given_up,
            "refusals": dict(self.refusals.most_common()),
            "spent": asdict(self.spent),
            "stopped": self.stopped,
        }


class BreedingRun:
    """One run of breeding in a folder. Only one process may work on it at a time."""

    def __init__(
        self,
        scenario: Scenario,
        folder: Path,
        children: Sequence[PlannedChild],
        lines: Sequence[Line],
        *,
        tries: int = 2,
        budget: Budget | None = None,
        about: Json | None = None,
    ) -> None:
        """Take the plan and the lines that are there; parents must be among them.

        ``about`` goes into the manifest: who breeds, from which plan, with what arguments.

        Raises:
            FencunError: a parent of the plan is not there.
        """
        self._scenario = scenario
        self._folder = folder
        self._children = children
        self._budget = budget or Budget()
        self._tries = tries
        self._about = about or {}
        self._gates = Gates(scenario)
        self._parents = {line.id: line for line in lines}
        missing = [child.parent for child in children if child.parent not in self._parents]
        if missing:
            raise FencunError(
                f"计划里的亲本 {missing[0]} 不在种子和草稿里。",
                f"The plan's parent {missing[0]} is not among the seeds and drafts.",
            )
        self._neighbours = GramIndex(GRAM)
        self._siblings: dict[str, list[str]] = defaultdict(list)
        for line in lines:
            self._accept(line.id, line.text, line.parent)
        self._attempts: Counter[str] = Counter()
        self._done: set[str] = set()
        self._under_way = 0
        self.outcome = BreedingOutcome(len(children))
        for row in read_journal(folder):
            self._replay(row)

    @property
    def waiting(self) -> list[PlannedChild]:
        """The planned children that are neither written nor given up."""
        return [child for child in self._children if child.id not in self._done]

    async def breed(
        self, breeder: Breeder, *, parallel: int = 1, tell: Tell = lambda done, total: None
    ) -> BreedingOutcome:
        """Have every waiting child written, within the budget; return how the run stands.

        Raises:
            EngineError: the breeder cannot be reached; what was written stays.
        """
        waiting = iter(self.waiting)
        with Appender(self._folder / JOURNAL) as journal:

            async def work() -> None:
                for child in waiting:
                    if not await self._raise_one(breeder, child, journal):
                        return
                    tell(len(self._done), len(self._children))

            try:
                tell(len(self._done), len(self._children))
                async with asyncio.TaskGroup() as group:
                    for _ in range(parallel):
                        group.create_task(work())
            except BaseExceptionGroup as failures:
                raise failures.exceptions[0] from None
            finally:
                settle(self._scenario, self._folder, self._about | self.outcome.to_row())
        return self.outcome

    async def _raise_one(self, breeder: Breeder, child: PlannedChild, journal: Appender) -> bool:
        """Try one child until it passes or tries are used up; False where the budget ends."""
        while child.id not in self._done:
            if reached := self.outcome.spent.exhausts(self._budget, self._under_way):
                self.outcome.stopped = reached
                return False
            parent, tried = self._parents[child.parent], self._attempts[child.id]
            self._under_way += 1
            try:
                written = await breeder.write(child, parent, self._siblings[parent.id], tried)
            except WaitingError:
                return True  # asked for: it stays under way
            except BaseException:
                self._under_way -= 1
                raise
            self._under_way -= 1
            row, findings = self._judge(child, written, breeder.name)
            entry = _entry(child, self._attempts[child.id], written, row, findings)
            journal.write(entry)
            self._replay(entry)
        return True

    def _judge(
        self, child: PlannedChild, written: WrittenDraft, name: str
    ) -> tuple[Json | None, list[Finding]]:
        """Return the draft's row, where there is one, and the faults it has."""
        if written.fields is None:
            return None, [
                _fault("form", "回答不是要的 JSON。", "The answer is not the JSON asked.")
            ]
        fields = dict(written.fields)
        text, why = fields.pop("text"), fields.pop("why")
        handling = next((t.handling for t in self._scenario.tact if t.name == child.topic), None)
        tact = {"topic": child.topic, "handling": handling} if child.topic else None
        order = [dimension.name for dimension in self._scenario.dimensions]
        brief = {**child.values, **fields}
        row: Json = {"id": child.id, "parent": child.parent, **{n: brief[n] for n in order},
                     "text": text, "tact": tact, "why": why[:60], "breeder": name,
                     "run": self._folder.name}  # fmt: skip
        try:
            record, parsed = parse_row(self._scenario, row)
        except RecordError as error:
            return row, [_fault("record", error.zh, error.en)]
        line = Line(DRAFTS, 0, record, parsed)
        findings = [f for f in self._gates.check(text, parsed) if f.severity == "fault"]
        findings += [*self._off_plan(child, line), *_private(fields, text)]
        other, share = self._neighbours.nearest(text)
        if share >= OVERLAP:
            zh = f"和 {other} 重合太多（{share:.0%} 的 5 字片段相同）。"
            findings.append(_fault("overlap", zh, f"Shares {share:.0%} of 5-grams with {other}."))
        return row, findings

    def _off_plan(self, child: PlannedChild, line: Line) -> Iterator[Finding]:
        detail = line.brief.value("detail")
        if child.typing and (typed := typing_of(detail)) != child.typing:
            zh = f"细节要“{child.typing}”，写成了“{typed}”（{len(detail)} 字）。"
            yield _fault("plan", zh, f"The detail should be {child.typing}, it is {typed}.")
        betrayed = {topic.name for topic in line.brief.topics}
        if child.topic and child.topic not in betrayed:
            zh = f"细节里看不出“{child.topic}”。"
            yield _fault("plan", zh, f"The detail does not tell of {child.topic}.")
        if betrayed and not child.topic:
            zh = f"细节里带出了没有安排的“{'、'.join(sorted(betrayed))}”。"
            yield _fault("plan", zh, f"The detail tells of {', '.join(sorted(betrayed))}.")

    def _replay(self, entry: Json) -> None:
        """Take an entry of the journal into account."""
        child = str(entry["birth"])
        if entry["outcome"] == "back":
            self._done.add(child)
            return
        self._attempts[child] += 1
        tokens = int(entry["prompt_tokens"]), int(entry["completion_tokens"])
        self.outcome.spent.add(*tokens, self._budget)
        if entry["outcome"] == "kept":
            self._done.add(child)
            self.outcome.kept += 1
            self._accept(child, entry["row"]["text"], entry["row"]["parent"])
            return
        self.outcome.refusals.update({reason["gate"] for reason in entry["reasons"]})
        if self._attempts[child] >= self._tries and child not in self._done:
            self._done.add(child)
            self.outcome.given_up += 1

    def _accept(self, identity: str, text: str, parent: str | None) -> None:
        self._neighbours.add(identity, text)
        if parent:
            self._siblings[parent].append(text)


def _entry(
    child: PlannedChild,
    attempt: int,
    written: WrittenDraft,
    row: Json | None,
    findings: Sequence[Finding],
) -> Json:
    return {
        "birth": child.id,
        "attempt": attempt,
        "outcome": "refused" if findings else "kept",
        "row": row,
        "raw": written.raw if row is None else None,
        "reasons": [{"gate": f.gate, "zh": f.zh, "en": f.en} for f in findings],
        "prompt_tokens": written.prompt_tokens,
        "completion_tokens": written.completion_tokens,
    }


def _private(fields: dict[str, str], text: str) -> Iterator[Finding]:
    for value in (*fields.values(), text):
        for private in find_private(value):
            yield _fault("privacy", f"里面有{private.name}。", f"It holds a {private.name}.")


def _fault(gate: str, zh: str, en: str) -> Finding:
    return Finding(gate, "fault", 0, 0, zh, en)


def read_journal(folder: Path) -> list[Json]:
    """Return the attempts of the run in ``folder``, in order; none where it has not begun.

    Raises:
        RecordError: a line of the journal cannot be read.
    """
    path = folder / JOURNAL
    if not path.exists():
        return []
    rows = [row for _, row in read_jsonl(path)]
    for at, row in enumerate(rows):
        if isinstance(row, RecordError):
            if at == len(rows) - 1:  # a killed process left half a line
                return rows[:-1]  # type: ignore[return-value]
            raise row
    return rows  # type: ignore[return-value]


def settle(scenario: Scenario, folder: Path, about: Json | None = None) -> tuple[int, int]:
    """Write drafts, what was set aside, and the manifest from the journal; return both counts.

    ``about`` is what the manifest says besides; by default what it said before.
    """
    kept: dict[str, Json] = {}
    aside: list[Json] = []
    for entry in read_journal(folder):
        if entry["outcome"] in ("kept", "back"):
            kept[entry["birth"]] = entry["row"]
        else:
            aside.append(entry)
    aside = [entry for entry in aside if entry["birth"] not in kept]
    about = _about_before(folder) if about is None else about
    (folder / MANIFEST).unlink(missing_ok=True)
    write_jsonl(folder / DRAFTS, kept.values())
    write_jsonl(folder / ASIDE, aside)
    files = {name: sha256_file(folder / name) for name in (DRAFTS, ASIDE)}
    manifest: Json = {**about, "schema": 1, "scenario": scenario.name, "drafts": len(kept),
                      "aside": len(aside), "files": files}  # fmt: skip
    write_json(folder / MANIFEST, manifest)
    return len(kept), len(aside)


def _about_before(folder: Path) -> Json:
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def bring_back(scenario: Scenario, folder: Path, children: Sequence[str]) -> int:
    """Put refused drafts back among the drafts, their last attempt as it was; return how many.

    ``fencun data check`` still says what is wrong with them: they are there to be mended.

    Raises:
        FencunError: one of ``children`` was never refused, or left nothing that could be read.
    """
    last: dict[str, Json] = {}
    for entry in read_journal(folder):
        if entry["outcome"] == "refused" and entry["row"]:
            last[entry["birth"]] = entry["row"]
        else:
            last.pop(entry["birth"], None)
    if unknown := [child for child in children if child not in last]:
        raise FencunError(
            f"{unknown[0]} 不在搁下的草稿里；看 {folder / ASIDE}。",
            f"{unknown[0]} was not set aside; see {folder / ASIDE}.",
        )
    with Appender(folder / JOURNAL) as journal:
        for child in children:
            journal.write({"birth": child, "outcome": "back", "row": last[child], "reasons": []})
    settle(scenario, folder)
    return len(children)
