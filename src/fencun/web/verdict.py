"""结论: what the rules say of a study, why, and its report. For the host: it names the arms."""

import asyncio
import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Request
from pydantic import StringConstraints
from starlette.responses import Response

from fencun.errors import FencunError
from fencun.evaluate import polling, voting
from fencun.evaluate.collect import standing
from fencun.evaluate.find import studies_of
from fencun.evaluate.study import Study
from fencun.extras import need
from fencun.files import Json
from fencun.scenario import Scenario
from fencun.web.access import router_for
from fencun.web.ballot import rater_keys
from fencun.web.caller import known_caller
from fencun.web.errors import ForbiddenError, MissingError
from fencun.web.pages import Page, render
from fencun.web.studio import Studio, StudioDep

if TYPE_CHECKING:
    from fencun.evaluate.verdict import Verdict

PAGE = Page("/verdict", "结论", "Verdict", "host")
router = router_for("host", include_in_schema=False)

_SHORT = 12
Key = Annotated[str, StringConstraints(pattern=rf"^[0-9a-f]{{{_SHORT}}}$")]


@dataclass(frozen=True, slots=True)
class StudyEntry:
    """One study in the list; ``key`` is what its address ends in."""

    key: str
    name: str
    created: str
    frozen: bool


@router.get("/verdict")
@router.get("/verdict/{key}")
async def page(request: Request, studio: StudioDep, key: Key | None = None) -> Response:
    """Show the verdict of the study with that key, or of the newest, and the other studies."""
    known = await _known(studio.scenario)
    study = _chosen(known, key)
    told: Json = {"judged": None, "error": "", "poll": None, "voting": False}
    if study:
        try:
            told |= await _told(request, studio, study)
        except FencunError as error:  # a study that was changed hides no other
            told["error"] = str(error)
    entries = [_entry(one) for one in known.values()]
    chosen = _entry(study) if study else None
    return render(request, "verdict.html", entries=entries, chosen=chosen, study=study, **told)


@router.get("/verdict/{key}/report.{kind}")
async def report(
    request: Request,
    studio: StudioDep,
    key: Key,
    kind: Literal["html", "md"],
    download: bool = False,
) -> Response:
    """Return the report as ``fencun eval report`` writes it, with the votes as they stand now."""
    study = _chosen(await _known(studio.scenario), key)
    assert study is not None
    if await _is_voting(request, studio, study):
        raise ForbiddenError(
            "您在这次投票里还有没评完的票。评完，或结束投票以后再看，不然就不盲了。",
            "You still have ballots to cast on this study. Read it once they are cast, or the "
            "poll is closed: the report tells who wrote what.",
        )
    judged = await _judged(studio, study)
    text, policy = await asyncio.to_thread(_rendered, judged, kind)
    headers = {"Content-Security-Policy": policy}
    if download or kind == "md":
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", study.name).strip("-.") or key
        headers["Content-Disposition"] = f'attachment; filename="fencun-{name}.{kind}"'
    types = {"html": "text/html", "md": "text/markdown"}
    return Response(text, headers=headers, media_type=f"{types[kind]}; charset=utf-8")


def _rendered(judged: "Verdict", kind: str) -> tuple[str, str]:
    """Return the report, and a policy that lets nothing in but its own style sheet."""
    from fencun.evaluate.report import gathered, rendered, style

    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; sandbox"
    )
    return rendered(gathered(judged), f"report.{kind}"), policy


async def _told(request: Request, studio: Studio, study: Study) -> Json:
    """What the page shows of ``study``: nothing of its arms to somebody who still votes on it."""
    polls = await studio.store.aread(polling.turnouts)
    fingerprint = study.registration.fingerprint
    running = [one for one in polls if one.poll.fingerprint == fingerprint and one.is_open]
    told: Json = {"poll": running[0] if running else None}
    if await _is_voting(request, studio, study):
        return told | {"voting": True}
    judged = await _judged(studio, study)
    return told | await asyncio.to_thread(_seen, judged)


def _seen(judged: "Verdict") -> Json:
    from markupsafe import Markup

    from fencun.evaluate import figures
    from fencun.evaluate.beside import beside
    from fencun.evaluate.mending import deciding, next_steps, worst
    from fencun.evaluate.probe_summary import read_summary
    from fencun.evaluate.report import in_short
    from fencun.evaluate.show_beside import read_tables
    from fencun.evaluate.verdict import groups

    samples = judged.study.briefs()
    charts = figures.charts(judged, read_summary(judged.study))
    shown = ("people", "sent") if judged.open else ("hit", "steady", "drift")
    return {
        "judged": judged,
        "why": deciding(judged),
        "lost": worst(judged),
        "names": {sample.id: in_short(judged.study, sample) for sample in samples},
        "read_tables": list(read_tables(beside(judged))),
        "rules": groups(judged),
        "next": next_steps(judged),
        "charts": [Markup(charts[name]) for name in shown if name in charts],
        "inks": figures.inks(judged.study),
        "sent": {rate.arm: rate.send for rate in judged.facts.arms},
    }


async def _judged(studio: Studio, study: Study) -> "Verdict":
    need("evaluate")
    from fencun.evaluate.verdict import judge

    votes = await studio.store.aread(lambda session: standing(session, study))
    return await asyncio.to_thread(judge, study, votes)


async def _is_voting(request: Request, studio: Studio, study: Study) -> bool:
    keys, fingerprint = rater_keys(request), study.registration.fingerprint
    caller = known_caller(request)
    owner = caller.token if caller.bound else ""
    if not keys and not owner:
        return False
    return await studio.store.aread(lambda s: voting.waits_for(s, fingerprint, keys, owner))


async def _known(scenario: Scenario) -> dict[str, Study]:
    """The studies of ``scenario`` by key, newest first; of copies the first."""
    found: dict[str, Study] = {}
    for study in await asyncio.to_thread(studies_of, scenario):
        found.setdefault(_key(study), study)
    return found


def _chosen(known: dict[str, Study], key: str | None) -> Study | None:
    """The study with ``key``; without one the newest that is finished, if there is any."""
    if key is None:
        return next((study for study in known.values() if study.frozen), None)
    if key not in known:
        raise MissingError("没有这个实验。", "There is no such study.")
    return known[key]


def _entry(study: Study) -> StudyEntry:
    declared = study.registration
    return StudyEntry(_key(study), study.name, declared.created[:10], study.frozen)


def _key(study: Study) -> str:
    return study.registration.fingerprint[:_SHORT]
