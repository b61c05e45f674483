"""A study: one folder with what was asked, what was answered, and the rules agreed before votes.

``study.json`` (the registration) comes first, ``manifest.json`` last: without it the
answers are not frozen and nobody may vote on them.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fencun.brief import Brief, parse_brief
from fencun.errors import FencunError, RecordError
from fencun.evaluate.amendment import amend, amendments
from fencun.evaluate.manifest import MANIFEST, check_files, write_manifest
from fencun.evaluate.planning import votes_planned
from fencun.evaluate.records import Answer, Vote
from fencun.evaluate.registration import REGISTRATION, Registration
from fencun.evaluate.rules import VERSION, VerdictRules, parse_rules, shipped_rules
from fencun.files import Json, read_jsonl, write_json, write_jsonl
from fencun.language import say
from fencun.provenance import timestamp
from fencun.records import Asked, Sample
from fencun.scenario import Scenario, flag, load_scenario

BRIEFS, ANSWERS, PREFIXES, VOTES = "briefs.jsonl", "answers.jsonl", "prefixes.json", "votes.jsonl"
FROZEN = (REGISTRATION, BRIEFS, ANSWERS, PREFIXES)


class Study:
    """A study on disk. Nothing is read before it is asked for."""

    def __init__(self, folder: Path) -> None:
        """Open ``folder``.

        Raises:
            FencunError: there is no study in it, or its registration cannot be read.
        """
        self.folder = folder
        try:
            declared = json.loads((folder / REGISTRATION).read_bytes())
            self.registration = Registration.model_validate(declared)
        except FileNotFoundError as error:
            raise FencunError(
                f"{folder} 里没有实验；先运行 fencun eval run。",
                f"There is no study in {folder}; run fencun eval run first.",
            ) from error
        except (OSError, ValueError, RecursionError, ValidationError) as error:
            raise FencunError(
                f"{folder / REGISTRATION} 读不了：{error}",
                f"{folder / REGISTRATION} is malformed: {error}",
            ) from error

    @property
    def name(self) -> str:
        """What the study is called."""
        return self.registration.name

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of the arms, in the order declared."""
        return tuple(arm.name for arm in self.registration.arms)

    @property
    def frozen(self) -> bool:
        """Whether all arms have answered and the answers are final."""
        return (self.folder / MANIFEST).is_file()

    @property
    def rules(self) -> VerdictRules:
        """The rules as registered, or those that they were changed to (see ``amended``)."""
        if changes := amendments(self.folder):
            return parse_rules(changes[-1].rules)
        if self._outdated:
            return shipped_rules()
        return parse_rules(self.registration.rules)

    @property
    def _outdated(self) -> bool:
        """Whether the rules are of an older kind, which no longer decides."""
        return self.registration.rules.get("version") != VERSION

    @property
    def amended(self) -> str:
        """How the rules came to differ from the registered ones; empty where they do not."""
        if changes := amendments(self.folder):
            return say("", " ").join(str(one) for one in changes)
        if self._outdated:
            return say(
                "登记的是旧规则，已不再用；这里按现在的规则判。",
                "The registered rules are of an older kind; today's are applied.",
            )
        return ""

    def amend(self, rules: VerdictRules, why: str) -> None:
        """Change the rules after registration: every change is kept beside them, and shown.

        Raises:
            FencunError: no reason is given, or nothing is changed.
        """
        amend(self.folder, self.rules, rules, why, len(self.votes()))

    @property
    def planned(self) -> int:
        """How many votes are planned: as registered, or by the rules it was changed to."""
        plan = self.registration.plan
        if plan and not self.amended:
            return int(plan["votes"])
        draws = self.registration.draws
        return votes_planned(len(self.arms), len(self.briefs()), self.rules, draws)

    @property
    def scenario(self) -> Scenario:
        """The scenario asked about."""
        return load_scenario(self.registration.scenario)

    @property
    def scenario_flag(self) -> str:
        """Return `` --scenario …`` as a hint must add it; empty where it is meant, or gone."""
        try:
            return flag(self.scenario.folder)
        except FencunError:
            return ""

    def briefs(self) -> list[Sample]:
        """Return the test briefs, in their order; their texts are references, not answers."""
        return [
            Asked.from_row(self.scenario, row, line=n) for n, row in _rows(self.folder / BRIEFS)
        ]

    def parsed_briefs(self) -> dict[str, Brief]:
        """Return the test briefs by id, as a model is asked them."""
        return {sample.id: parse_brief(self.scenario, sample.brief) for sample in self.briefs()}

    def answers(self) -> list[Answer]:
        """Return the frozen answers; those so far where the study still runs."""
        path = self.folder / (ANSWERS if self.frozen else partial(ANSWERS))
        return [Answer.from_row(row, n) for n, row in _rows(path)] if path.exists() else []

    def by_arm(self) -> dict[str, dict[str, Answer]]:
        """Return the first answers as arm -> brief -> answer."""
        found: dict[str, dict[str, Answer]] = {arm: {} for arm in self.arms}
        for answer in self.answers():
            if answer.draw == 0:
                found.setdefault(answer.arm, {})[answer.brief] = answer
        return found

    def texts(self) -> list[list[tuple[str | None, ...]]]:
        """Return every text by arm, brief and draw, in their orders; None where there is none."""
        known = {(a.arm, a.brief, a.draw): a.text for a in self.answers() if not a.failed}
        briefs, draws = [sample.id for sample in self.briefs()], range(self.registration.draws)
        return [
            [tuple(known.get((arm, brief, draw)) for draw in draws) for brief in briefs]
            for arm in self.arms
        ]

    def votes(self) -> list[Vote]:
        """Return the votes frozen with the study; none where nobody's were.

        Raises:
            FencunError: a line cannot be read; names the file and the line.
        """
        path = self.folder / VOTES
        try:
            return [Vote.from_row(row, n) for n, row in _rows(path)] if path.exists() else []
        except RecordError as error:
            raise FencunError(f"{path}：{error.zh}", f"{path}: {error.en}") from error

    def freeze_votes(self, votes: Iterable[Vote]) -> None:
        """Write votes into the folder, in a fixed order: equal votes give equal bytes."""
        rows = (vote.model_dump(mode="json") for vote in ordered(votes))
        write_jsonl(self.folder / VOTES, rows)

    def save_answers(self, answers: Iterable[Answer]) -> None:
        """Replace the answers so far: a killed run goes on from them."""
        rows = (answer.model_dump(mode="json") for answer in answers)
        write_jsonl(self.folder / partial(ANSWERS), rows)

    def freeze(self, answers: Iterable[Answer], prefixes: Json) -> None:
        """Make the answers final; the manifest comes last."""
        order = {arm: number for number, arm in enumerate(self.arms)}
        place = {sample.id: number for number, sample in enumerate(self.briefs())}
        rows = sorted(answers, key=lambda a: (order[a.arm], place[a.brief], a.draw))
        write_jsonl(self.folder / ANSWERS, (a.model_dump(mode="json") for a in rows))
        write_json(self.folder / PREFIXES, prefixes)
        told = {
            "study": self.name,
            "frozen": timestamp(),
            "fingerprint": self.registration.fingerprint,
            "rules": self.rules.hash,
            **_missing(rows),
        }
        write_manifest(self.folder, told, FROZEN)
        (self.folder / partial(ANSWERS)).unlink(missing_ok=True)

    def check(self) -> None:
        """Raise :class:`FencunError` if a frozen file is not what the manifest says."""
        if not self.frozen:
            raise FencunError(
                f"实验“{self.name}”还没有答完；接着运行 fencun eval run --out {self.name}"
                f"{self.scenario_flag}。",
                f"Study {self.name!r} is not finished; go on: fencun eval run --out {self.name}"
                f"{self.scenario_flag}.",
            )
        check_files(self.folder, self.registration.fingerprint, FROZEN)


def _missing(answers: Iterable[Answer]) -> dict[str, Any]:
    """What a manifest says of briefs that an arm did not answer; nothing where all are there."""
    found: dict[str, list[str]] = {}
    for answer in answers:
        if answer.failed:
            found.setdefault(answer.arm, []).append(answer.brief)
    return {"missing": found} if found else {}


def ordered(votes: Iterable[Vote]) -> list[Vote]:
    """Return ``votes`` in the order in which a study keeps them."""
    return sorted(votes, key=lambda vote: (vote.rater, vote.at, vote.id))


def register(folder: Path, registration: Registration, briefs: Iterable[Sample]) -> Study:
    """Begin a study in ``folder``, or go on with the very same one.

    Raises:
        FencunError: there is another study of that name.
    """
    if (folder / REGISTRATION).exists():
        study = Study(folder)
        if study.registration.fingerprint != registration.fingerprint:
            raise FencunError(
                f"已经有一个叫“{study.name}”的实验，这几项和这次不同："
                f"{_changed(study, registration)}。换个名字：--out 新名字。",
                f"There is another study called {study.name!r}; these differ: "
                f"{_changed(study, registration)}. Choose a new name: --out NAME.",
            )
        return study
    write_jsonl(folder / BRIEFS, (sample.to_row() for sample in briefs))
    write_json(folder / REGISTRATION, registration.model_dump(mode="json"))
    return Study(folder)


def _changed(study: Study, registration: Registration) -> str:
    old, new = study.registration.model_dump(), registration.model_dump()
    return "、".join(key for key in old if key not in ("name", "created") and old[key] != new[key])


def partial(name: str) -> str:
    """Return the name under which a file grows before it is final."""
    return f"{name}.partial"


def _rows(path: Path) -> Iterable[tuple[int, Json]]:
    for line, row in read_jsonl(path):
        if isinstance(row, RecordError):
            raise row
        yield line, row
