"""Which studies there are on this machine, and which one is meant."""

import logging
from collections.abc import Iterable
from pathlib import Path

from fencun.errors import FencunError
from fencun.evaluate.registration import REGISTRATION
from fencun.evaluate.study import Study
from fencun.home import runs_dir, scenarios_dir
from fencun.scenario import Scenario, load_scenario

log = logging.getLogger("fencun.evaluate")


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


def studies_of(scenario: Scenario) -> list[Study]:
    """Return the studies of ``scenario`` alone, in the order of :func:`studies`."""
    return [study for study in studies() if asks(study, scenario)]


def asks(study: Study, scenario: Scenario) -> bool:
    """Return whether ``study`` is one of ``scenario``; not so where its own is no longer there."""
    try:
        return study.scenario.name == scenario.name
    except FencunError:
        return False


def scenario_of(fingerprint: str) -> Scenario | None:
    """Return the scenario that the study of this fingerprint is about; None where it is gone."""
    fitting = (study for study in studies() if study.registration.fingerprint == fingerprint)
    try:
        return next((study.scenario for study in fitting), None)
    except FencunError:
        return None


def find_study(name: str | None = None) -> Study:
    """Return the study of that name, folder or fingerprint.

    None stands for the newest, or else a shipped one; those of the scenario in use go first.

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
        return min(fitting, key=_strangeness) if name is None else fitting[0]
    if name is None:
        raise FencunError(
            "还没有实验；先运行 fencun eval run。", "There is no study yet; run fencun eval run."
        )
    names = "、".join(study.name for study in found) or "（没有）"
    raise FencunError(
        f"没有叫“{name[:60]}”的实验；现有：{names}。",
        f"There is no study {name[:60]!r}; there are: {names}.",
    )


def _strangeness(study: Study) -> tuple[bool, bool]:
    """How far a study is from what is meant where none is named: shipped, of another scenario."""
    shipped = scenarios_dir() in study.folder.parents
    try:
        return shipped, not asks(study, load_scenario())
    except FencunError:  # the scenario in use is broken, which is no reason to find no study
        return shipped, True
