"""``fencun eval run``: settle what is asked and by which rules, then let every arm answer."""

import secrets
from pathlib import Path

from fencun.adapter import MANIFEST, WRITER
from fencun.brief import parse_brief
from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.evaluate.answering import Opener, Progress, answer_all, pinned
from fencun.evaluate.arms import ArmSpec, Role, adapter_of, messages_for, parse_arms
from fencun.evaluate.briefs import briefs_for_study, check_unseen, read_briefs, train_seeds
from fencun.evaluate.find import studies_dir
from fencun.evaluate.planning import look_votes, votes_planned
from fencun.evaluate.registration import REGISTRATION, Registration, shared_decoding
from fencun.evaluate.rules import CHEAPER, VerdictRules, shipped_rules
from fencun.evaluate.study import Study, register
from fencun.evaluate.unlearnt import check_unlearnt
from fencun.files import Json, sha256_json
from fencun.models.engine import Decoding
from fencun.provenance import timestamp
from fencun.records import Sample, Seed
from fencun.scenario import Scenario, reference

_SEEDS = 2**30


async def run(
    scenario: Scenario,
    *,
    arms: str = "",
    briefs: str | None = None,
    out: str | None = None,
    adapter: str | None = None,
    dataset: Path | None = None,
    seed: int | None = None,
    rules: VerdictRules | None = None,
    unfit: str = "",
    temperature: float | None = None,
    draws: int = 1,
    luck: float | None = None,
    progress: Progress = lambda _answer, _done, _all: None,
    opener: Opener | None = None,
    incomplete: bool = False,
) -> Study:
    """Make a study, or go on with the one that was interrupted; return it with answers frozen.

    ``arms`` are by default those that there is material for. ``incomplete`` freezes the study
    although some answers could not be had.
    ``briefs`` is how many test briefs, or a JSONL file of samples; ``out`` a name or a
    folder (default: a name made from the settings, so that the same command goes on).
    ``seed`` begins the sampling (None: a secret one, so that nobody who votes can ask for the
    same texts again; a study that is there keeps its own). ``temperature`` is that of all arms
    alike (default: what the adapter is served at, else 0.7). Each arm writes ``draws`` texts for
    a brief, so that the verdict is about the arm and not about one lucky text; ``luck`` is how
    much of what differs between texts is one text's, as a study before has measured it (default:
    as the rules assume), and the votes are planned with it.

    Raises:
        FencunError: an arm, the dataset, a model or an adapter is missing or malformed.
    """
    folder = dataset or scenario.folder / "dataset"
    specs = parse_arms(arms or ",".join(possible(scenario, folder, adapter)), adapter=adapter)
    samples = _briefs(scenario, folder, briefs)
    seeds = train_seeds(scenario, folder) if any(arm.style == "rag" for arm in specs) else []
    rules = rules or shipped_rules()
    registration = settle(
        scenario,
        specs,
        samples,
        seeds,
        seed=seed or 0,
        rules=rules if luck is None else rules.with_luck(luck),
        unfit=unfit,
        temperature=temperature,
        draws=draws,
    )
    if out:
        registration = registration.model_copy(update={"name": _name(out, scenario)})
    place = _folder(out, registration.name)
    if seed is None:
        registration = registration.model_copy(update={"seed": _secret_seed(place)})
    study = register(place, registration, samples)
    await answer_all(study, seeds, progress=progress, opener=opener, incomplete=incomplete)
    return study


def possible(scenario: Scenario, dataset: Path, adapter: str | None = None) -> list[Role]:
    """Return the arms that there is material for: seeds to retrieve, an adapter to speak with."""
    found: list[Role] = ["bare", "prompt"]
    if (dataset / "train.jsonl").is_file():
        found.append("rag")
    if adapter or (scenario.folder / WRITER / MANIFEST).is_file():
        found.append("tuned")
    return found


def _secret_seed(folder: Path) -> int:
    """Return the seed of the study that is in ``folder``, else one that nobody can guess."""
    if (folder / REGISTRATION).is_file():
        return Study(folder).registration.seed
    return secrets.randbelow(_SEEDS)


def seeds_of(study: Study) -> list[Seed]:
    """Return what the rag arm of ``study`` may retrieve; nothing where no arm does."""
    if not any(arm.style == "rag" for arm in study.registration.arms):
        return []
    return train_seeds(study.scenario, study.scenario.folder / "dataset")


def settle(
    scenario: Scenario,
    arms: list[ArmSpec],
    samples: list[Sample],
    seeds: list[Seed],
    *,
    seed: int,
    rules: VerdictRules,
    unfit: str,
    temperature: float | None = None,
    draws: int = 1,
) -> Registration:
    """Return the registration: everything that is fixed before the first answer and vote."""
    hashes = pinned(tuple(arms), scenario, seeds)
    example = parse_brief(scenario, scenario.whole_example)
    for arm in arms:
        hashes[arm.name]["prompt"] = sha256_json(messages_for(arm, example))
    registration = Registration(
        name="-",
        created=timestamp(),
        scenario=_reference(scenario),
        arms=tuple(arms),
        hashes=hashes,
        decoding=shared_decoding(scenario, _temperature(arms, scenario, temperature)),
        seed=seed,
        briefs=sha256_json([sample.to_row() for sample in samples]),
        rules=rules.model_dump(mode="json"),
        unfit=unfit,
        plan=_plan(arms, len(samples), rules, draws),
        draws=draws,
        unverified=check_unlearnt(arms, scenario, samples),
    )
    name = f"{scenario.name}-{registration.fingerprint[:8]}"
    return registration.model_copy(update={"name": name})


def _plan(arms: list[ArmSpec], briefs: int, rules: VerdictRules, draws: int) -> Json:
    """What is settled about votes before anybody casts one."""
    planned = votes_planned(len(arms), briefs, rules, draws)
    roles = {arm.role: arm.name for arm in arms}
    return {
        "votes": planned,
        "looks": [look_votes(planned, look) for look in rules.plan.looks],
        "effect": rules.plan.effect,
        "power": rules.plan.power,
        "rivals": [roles[role] for role in CHEAPER if role in roles],
        "briefs": briefs,
        "draws": draws,
    }


def _temperature(arms: list[ArmSpec], scenario: Scenario, asked: float | None) -> float:
    """One temperature for all: each arm is compared as the adapter would be served."""
    if asked is not None:
        return asked
    adapters = [adapter_of(arm, scenario) for arm in arms if arm.role == "tuned"]
    return next((a.temperature for a in adapters if a), Decoding().temperature)


def _reference(scenario: Scenario) -> str:
    """The name of a shipped scenario, the folder of any other."""
    return reference(scenario.folder)


def _name(out: str, scenario: Scenario) -> str:
    """The name of the folder; of a study that ships with its scenario, the scenario's name."""
    folder = Path(out).resolve()
    return scenario.name if folder == scenario.folder.resolve() / "study" else folder.name


def _folder(out: str | None, name: str) -> Path:
    if out and ("/" in out or Path(out).is_dir()):
        return Path(out)
    return studies_dir() / name


def _briefs(scenario: Scenario, dataset: Path, wanted: str | None) -> list[Sample]:
    if wanted is None or wanted.isdigit():
        return briefs_for_study(scenario, dataset, int(wanted) if wanted else None)
    path = Path(wanted)
    samples = read_briefs(path, scenario)
    if not samples:
        raise FencunError(f"{path} 里没有需求。", f"{path} holds no briefs.")
    if (dataset / "train.jsonl").is_file():
        check_unseen(samples, read_samples(dataset / "train.jsonl", scenario), scenario)
    return samples
