"""The page 微调: plan, start, watch, stop, go on, compare. To the host only.

A run is a process of its own; this page starts it, reads its folder, and signals it. Closing
the browser, or the web server, changes nothing for it.
"""

from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from fencun.adapter import MANIFEST
from fencun.brief import parse_brief
from fencun.errors import BusyError, FencunError
from fencun.extras import how_to_install, missing
from fencun.language import say
from fencun.models.catalog import catalog
from fencun.models.installed import chosen, is_fetched, locate
from fencun.scenario import Scenario, reference
from fencun.tune.config import PRESETS
from fencun.tune.llamafactory.program import has_llamafactory
from fencun.tune.preflight import background
from fencun.tune.runs import processes as runs
from fencun.web.access import router_for
from fencun.web.disconnect import unless_gone
from fencun.web.pages import Page, render
from fencun.web.studio import StudioDep
from fencun.web.tuning_pairs import find_pairs
from fencun.web.tuning_view import duration, summary, view

PAGE = Page("/tune", "微调", "Tune", "host")
router = router_for("host", include_in_schema=False)

_ENGINES = ("fencun", "llamafactory")
_busy: set[str] = set()


@router.get("/tune")
async def overview(request: Request, studio: StudioDep) -> Response:
    """Show what can be started, what is under way, and what was done."""
    return _overview(request, studio.scenario)


@router.post("/tune/plan")
async def plan(
    request: Request, studio: StudioDep, base: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Measure a few steps and show what each preset would take."""
    try:
        options = ["--base", _base(base), "--scenario", _scenario(studio.scenario)]
        await _alone(request, background.plan(options))
    except FencunError as error:
        return _overview(request, studio.scenario, error=error)
    return RedirectResponse("/tune", 303)


@router.post("/tune/start")
async def start(
    request: Request,
    studio: StudioDep,
    preset: Annotated[str, Form(max_length=20)] = "quick",
    minutes: Annotated[str, Form(max_length=20)] = "",
    base: Annotated[str, Form(max_length=500)] = "",
    engine: Annotated[str, Form(max_length=20)] = "fencun",
) -> Response:
    """Start a run and go to its page."""
    try:
        options = _options(preset, minutes, engine)
        options += ["--base", _base(base), "--scenario", _scenario(studio.scenario)]
        run = runs.start(options)
    except FencunError as error:
        return _overview(request, studio.scenario, error=error)
    return RedirectResponse(f"/tune/{run.name}", 303)


@router.post("/tune/prefer")
async def prefer(
    request: Request,
    studio: StudioDep,
    adapter: Annotated[str, Form(max_length=100)] = "",
    pairs: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Start a run that learns, on top of another, what people preferred; go to its page."""
    try:
        if pairs not in find_pairs(studio.scenario):
            raise FencunError("没有这个偏好对文件。", "There is no such file of pairs.")
        start_from = runs.find_run(adapter)
        if start_from.adapter is None:
            raise FencunError("这次微调还没有适配器。", "That run has no adapter yet.")
        options = ["--method", "dpo", "--adapter", str(start_from.folder), "--pairs", pairs]
        run = runs.start([*options, "--scenario", _scenario(studio.scenario)])
    except FencunError as error:
        return _overview(request, studio.scenario, error=error)
    return RedirectResponse(f"/tune/{run.name}", 303)


@router.get("/tune/compare")
async def compare_page(
    request: Request, studio: StudioDep, left: str = "", right: str = "base"
) -> Response:
    """Show the form that compares two adapters."""
    return _compare(request, studio.scenario, left, right, studio.scenario.whole_example)


@router.post("/tune/compare")
async def compare(request: Request, studio: StudioDep) -> Response:
    """Have two adapters write for one brief and show what they wrote side by side."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    left, right = form.pop("left", ""), form.pop("right", "")
    known = _sides(studio.scenario)
    names = [dimension.name for dimension in studio.scenario.dimensions]
    asked = {name: form[name] for name in names if form.get(name)}
    shown: list[dict[str, Any]] = []
    error: FencunError | None = None
    try:
        if left not in known or right not in known:
            raise FencunError("请选左右两边各是谁。", "Choose who writes on either side.")
        parse_brief(studio.scenario, asked)
        arguments = [known[left][1], known[right][1], "--scenario", _scenario(studio.scenario)]
        arguments += [f"--ask={name}={value}" for name, value in asked.items()]
        shown = (
            await _alone(request, background.ask(["tune", "compare", "--json", *arguments])) or []
        )
    except FencunError as refused:
        error = refused
    return _compare(request, studio.scenario, left, right, asked, shown=shown, error=error)


@router.get("/tune/{name}")
async def page(request: Request, studio: StudioDep, name: str) -> Response:
    """Show a run."""
    return _run_page(request, studio.scenario, name, "tuning_run.html")


@router.get("/tune/{name}/view")
async def part(request: Request, studio: StudioDep, name: str) -> Response:
    """Return what changes on the page of a run, to be put in place of what is shown."""
    return _run_page(request, studio.scenario, name, "tuning_view.html")


@router.post("/tune/{name}/stop")
def stop(request: Request, name: str) -> Response:
    """Stop a run; it can go on later."""
    run = runs.find_run(name)
    runs.stop(run)
    return RedirectResponse(f"/tune/{run.name}", 303)


@router.post("/tune/{name}/resume")
def resume(request: Request, name: str) -> Response:
    """Go on with a run that was stopped or broke off."""
    run = runs.go_on(runs.find_run(name))
    return RedirectResponse(f"/tune/{run.name}", 303)


def _overview(request: Request, scenario: Scenario, error: FencunError | None = None) -> Response:
    return render(
        request,
        "tuning.html",
        status=error.status if error else 200,
        error=error,
        missing=missing("tune"),
        install=how_to_install("tune"),
        bases=_bases(),
        llamafactory=has_llamafactory(),
        data=_data(scenario, "dataset"),
        plain=_data(scenario, "plain"),
        plan=_plan(),
        runs=[summary(run) for run in _runs(scenario)],
        pairs=find_pairs(scenario),
        scenario=scenario,
    )


def _runs(scenario: Scenario) -> list[runs.TuningRun]:
    """Return the runs of ``scenario``, the newest first; one that just began counts with all."""
    mine = scenario.name
    return [run for run in runs.all_runs() if run.facts.get("scenario", mine) == mine]


def _run_page(request: Request, scenario: Scenario, name: str, template: str) -> Response:
    ask = [(d.name, say(d.label, d.en)) for d in scenario.dimensions]
    return render(request, template, run=view(runs.find_run(name), ask))


def _compare(
    request: Request,
    scenario: Scenario,
    left: str,
    right: str,
    asked: dict[str, str],
    *,
    shown: list[dict[str, Any]] | None = None,
    error: FencunError | None = None,
) -> Response:
    sides = {key: label for key, (label, _) in _sides(scenario).items()}
    titles = [sides.get(left, left), sides.get(right, right)]
    return render(
        request,
        "tuning_compare.html",
        status=error.status if error else 200,
        sides=sides,
        left=left,
        right=right,
        asked=asked,
        dimensions=scenario.dimensions,
        shown=[{**one, "title": title} for one, title in zip(shown or [], titles, strict=False)],
        error=error,
    )


def _sides(scenario: Scenario) -> dict[str, tuple[str, str]]:
    """Return who can be compared: key, name for people, argument of the command line."""
    found = {"base": (say("底座本身", "The base alone"), "base")}
    shipped = scenario.folder / "adapter"
    if (shipped / MANIFEST).exists():
        found["shipped"] = (say("随场景发的适配器", "The shipped adapter"), str(shipped))
    for run in _runs(scenario):
        if run.adapter:
            shown = summary(run)
            label = say(f"{shown['when']} 的微调", f"Run of {shown['when']}")
            found[f"run-{run.name}"] = (label, str(run.folder))
    return found


def _options(preset: str, minutes: str, engine: str) -> list[str]:
    if preset not in PRESETS or engine not in _ENGINES:
        raise FencunError("没有这个档位。", "There is no such preset.")
    options = ["--preset", preset, "--engine", engine]
    if minutes.strip():
        try:
            budget = float(minutes)
        except ValueError:
            budget = 0.0
        if not 0 < budget <= 10_000:
            raise FencunError("时间预算要是分钟数，比如 30。", "The budget is in minutes, say 30.")
        options += ["--minutes", f"{budget:g}"]
    return options


def _bases() -> list[str]:
    """Return the bases that are on this machine, the one in use first."""
    names = [entry.name for entry in catalog().models.values() if is_fetched(entry)]
    used = chosen()
    if not Path(used).is_dir():  # a folder in the format of Hugging Face can be tuned, too
        try:
            locate(used)
        except FencunError:
            return names
    return [used, *(name for name in names if name != used)]


def _base(name: str) -> str:
    known = _bases()
    if not known:
        raise FencunError(
            "还没有底座模型，先运行 fencun model fetch。", "No base yet: run fencun model fetch."
        )
    if name and name not in known:
        raise FencunError("没有这个底座。", "There is no such base.")
    return name or known[0]


def _scenario(scenario: Scenario) -> str:
    return reference(scenario.folder)


def _data(scenario: Scenario, folder: str) -> int:
    """Return how many samples there are to train on in ``folder``; 0 where none were built."""
    try:
        with (scenario.folder / folder / "train.jsonl").open("rb") as file:
            return sum(1 for line in file if line.strip())
    except OSError:
        return 0


def _plan() -> dict[str, Any] | None:
    found = background.last_plan()
    if found is None:
        return None
    estimates = [
        {**one, "time": duration(one["seconds"][1]),
         "between": f"{duration(one['seconds'][0])}–{duration(one['seconds'][2])}"}
        for one in found["estimates"]
    ]  # fmt: skip
    notes = [say(*note) for note in found["notes"]]
    return {**found, "estimates": estimates, "notes": notes}


async def _alone(request: Request, work: Coroutine[Any, Any, Any]) -> Any:
    """Do heavy work for one person at a time, and only while they wait for it."""
    if _busy:
        work.close()
        raise BusyError(
            "另一个预检或比较还在算，等它算完。", "Another one is under way.", retry_after=20
        )
    _busy.add("")
    try:
        return await unless_gone(request, work)
    finally:
        _busy.clear()
