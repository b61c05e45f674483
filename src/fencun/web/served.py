"""The scenarios that one app serves: the first, which it was started for, and all of this machine.

Which one a request is about, its address says (:mod:`fencun.web.prefix`). A scenario that was saved
is there at the next request; one that cannot be read leaves the last one that could.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Annotated

from fastapi import Depends, Request

from fencun.errors import ScenarioError
from fencun.language import say
from fencun.scenario import Scenario, load_scenario, scenario_names
from fencun.scenario.load import state_of
from fencun.scenario.places import FILE, at_home
from fencun.web.prefix import prefix_of
from fencun.web.studio import Studio

Opener = Callable[[Scenario], Studio]


class Scene:
    """One scenario as it is served. ``name`` is how its address says it, empty for the first.

    ``wrong`` is what is wrong with its file as it is now; its last good state serves meanwhile.
    """

    def __init__(self, name: str, path: Path, opener: Opener, studio: Studio | None = None) -> None:
        self.name = name
        self.path = path
        self.wrong: ScenarioError | None = None
        self._opener = opener
        self._studio = studio
        self._scenario = studio.scenario if studio else None
        self._state = state_of(path) if studio else None
        self._opening = Lock()

    @property
    def at(self) -> str:
        """What stands before each of its addresses."""
        return prefix_of(self.name)

    @property
    def scenario(self) -> Scenario | None:
        """The scenario as it was saved last, or was last right; None where it never was."""
        state = state_of(self.path)
        if state != self._state:
            found, wrong = self._scenario, None
            try:
                found = load_scenario(self.path)
            except ScenarioError as error:
                wrong = error
            self._scenario, self.wrong, self._state = found, wrong, state
        return self._scenario

    @property
    def title(self) -> str:
        """What people call it; where it was never right, its name."""
        scenario = self.scenario
        return say(scenario.title, scenario.en) if scenario else self.name

    @property
    def studio(self) -> Studio:
        """What is needed to write in it; made when it is needed, and anew once it was saved.

        Raises:
            ScenarioError: it never was right.
        """
        scenario = self.scenario
        if scenario is None:
            assert self.wrong is not None
            raise self.wrong
        with self._opening:
            if self._studio is None or self._studio.scenario is not scenario:
                self._studio = self._opener(scenario)
            return self._studio


class Served:
    """All that an app serves. Safe to share between threads."""

    def __init__(self, first: Studio, opener: Opener) -> None:
        """Take the studio of the first scenario, and what makes one of another."""
        self._opener = opener
        self._first = Scene("", first.scenario.folder / FILE, opener, first)
        self._others: dict[str, Scene] = {}

    def scenes(self) -> list[Scene]:
        """Return what can be switched to, the first scenario first."""
        found = [self._scene(name) for name in scenario_names()]
        return [self._first, *(scene for scene in found if scene is not self._first)]

    def titles(self) -> dict[str, str]:
        """Return what there is: what people call it, by where it is."""
        return {scene.at: scene.title for scene in self.scenes()}

    def scene(self, name: str) -> Scene:
        """Return the scene called ``name``; empty is the first.

        Raises:
            UnknownScenarioError: there is none.
        """
        if not name:
            return self._first
        if name not in scenario_names():
            known = "、".join(scene.title for scene in self.scenes())
            raise UnknownScenarioError(
                f"没有叫“{name[:40]}”的场景；现有：{known}。",
                f"There is no scenario {name[:40]!r}; there are: {known}.",
            )
        return self._scene(name)

    def shown(self, name: str) -> Scene:
        """Return the scene called ``name`` for a page that is shown in any case, or the first."""
        try:
            return self.scene(name)
        except UnknownScenarioError:
            return self._first

    def studio(self, name: str) -> Studio:
        """Return the studio of the scene called ``name``.

        Raises:
            ScenarioError: there is none, it never was right, or its data would be another's.
        """
        scene = self.scene(name)
        studio = scene.studio
        for other in self.scenes():
            if other is scene:
                break
            if other.scenario and other.scenario.name == studio.scenario.name:
                raise ScenarioError(
                    f"{scene.path} 和 {other.path} 的 name 都是 {studio.scenario.name}，"
                    "种子和审读会混在一起；改掉一个的 name。",
                    f"{scene.path} and {other.path} are both called {studio.scenario.name}, and "
                    "their seeds and reviews would mix; give one another name.",
                )
        return studio

    def studios(self) -> Iterator[Studio]:
        """Yield the studios of all scenes that can be written in."""
        for scene in self.scenes():
            with suppress(ScenarioError):
                yield self.studio(scene.name)

    def declared(self, name: str) -> Scene | None:
        """Return the scene whose scenario is called ``name``; None where none is (any more)."""
        known = ((scene, scene.scenario) for scene in self.scenes())
        return next((scene for scene, its in known if its and its.name == name), None)

    def _scene(self, name: str) -> Scene:
        path = at_home(name) or Path(name)
        if (path := (path / FILE).resolve()) == self._first.path:
            return self._first
        known = self._others.get(name)
        if known is None or known.path != path:
            known = self._others[name] = Scene(name, path, self._opener)
        return known


class UnknownScenarioError(ScenarioError):
    """The address names a scenario that is not there."""

    status = 404


def served(request: Request) -> Served:
    """Return what the app serves that serves ``request``."""
    found = request.app.state.served
    assert isinstance(found, Served)
    return found


ServedDep = Annotated[Served, Depends(served)]
