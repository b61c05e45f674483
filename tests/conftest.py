"""What every test shares: a home of its own, and the shipped scenario."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import postgres_server
import pytest
from hypothesis import settings

from fencun.home import home
from fencun.scenario import Scenario, load_scenario

if TYPE_CHECKING:  # what is imported where it is needed: most tests need neither torch nor a store
    from fencun.data.lines import Line
    from fencun.evaluate.study import Study
    from fencun.evaluate.texts import Gathering
    from fencun.gates import Gates
    from fencun.store.ballots import PollRow
    from fencun.store.database import Store
    from fencun.tune.base import TunableBase
    from fencun.tune.config import TuneConfig
    from fencun.tune.lora import LoraAdapter

# How long an example takes says how busy the machine is, not whether it is right.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

_REAL_HOME = home()
_SETTINGS = (
    "FENCUN_LANG",
    "FENCUN_MODEL",
    "FENCUN_ENDPOINT",
    "FENCUN_ENDPOINT_KEY",
    "FENCUN_ENDPOINT_MODEL",
    "FENCUN_ENDPOINT_TUNED",
    "FENCUN_DATABASE_URL",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long: where two workers share them, both end together."""
    marked = {item.path for item in items if any(map(item.get_closest_marker, ("slow", "model")))}
    items.sort(key=lambda item: item.path not in marked)


@pytest.fixture(autouse=True)
def own_home(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Give every test an empty FENCUN_HOME; one that needs the real model sees the fetched ones."""
    for setting in _SETTINGS:
        monkeypatch.delenv(setting, raising=False)
    folder = tmp_path_factory.mktemp("home")
    if request.node.get_closest_marker("model"):
        models = _REAL_HOME / "models"
        if not models.is_dir():
            pytest.fail("this test needs the embedded model: run `fencun model fetch` first")
        (folder / "models").symlink_to(models)
    monkeypatch.setenv("FENCUN_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    """The shipped scenario."""
    return load_scenario("spring_festival")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL server of our own: its URL, without a database."""
    if postgres_server.binaries() is None:
        pytest.skip("no PostgreSQL server is installed on this machine")
    with postgres_server.server() as url:
        yield url


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """A real Ray of two workers, begun once for all tests."""
    from fencun.extras import missing

    if missing("ray"):
        pytest.skip("Ray is not installed here: pip install 'fencun[ray]'")
    from fencun.ray_cluster import cluster

    with pytest.MonkeyPatch.context() as patch:  # its workers import what the tests do
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        with cluster(workers=2):
            yield


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: once a SQLite file, once a real PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'fencun.db'}"
    return postgres_server.new_database(request.getfixturevalue("postgres"), f"t{uuid4().hex}")


@pytest.fixture(scope="session")
def gates(scenario: Scenario) -> "Gates":
    """Every gate of the shipped scenario."""
    from fencun.gates import Gates

    return Gates(scenario)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Store"]:
    """An open SQLite; where a test asks for ``review_case.BOTH``, a real PostgreSQL too."""
    from fencun.store.database import Store

    url = f"sqlite:///{tmp_path / 'fencun.db'}"
    if getattr(request, "param", "sqlite") == "postgresql":
        server = request.getfixturevalue("postgres")
        url = postgres_server.new_database(server, f"t{uuid4().hex}")
    with Store(url) as opened:
        yield opened


@pytest.fixture
def poll(store: "Store", study: "Study") -> "PollRow":
    """The open poll of ``study``, 20 ballots a rater; nobody has joined."""
    from fencun.evaluate.polling import open_poll

    return store.write(lambda session: open_poll(session, study, ballots=20))


@pytest.fixture
def lines(scenario: Scenario) -> "list[Line]":
    """Four lines to count: two to parents, one to a brother, one with a sensitive matter."""
    from data_case import four_lines

    return four_lines(scenario)


@pytest.fixture
async def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Study":
    """A frozen study of three arms on which nobody has voted yet."""
    from evaluate_study import answered_study

    return await answered_study(tmp_path, monkeypatch)


@pytest.fixture
def base(tmp_path: Path) -> "TunableBase":
    """A base of a few thousand random weights."""
    from tune_tiny import tiny_base

    from fencun.tune.base import TunableBase

    return TunableBase("tiny", tiny_base(tmp_path / "base"), "a" * 64, None)


@pytest.fixture
def adapter(base: "TunableBase") -> "LoraAdapter":
    """An adapter of :func:`base` that changes what it says."""
    from tune_tiny import loud_adapter

    return loud_adapter(base.folder)


@pytest.fixture
def config(tmp_path: Path, scenario: Scenario) -> "TuneConfig":
    """The options of a run of seconds on a tiny base."""
    from tune_tiny import tiny_config

    return tiny_config(tmp_path, scenario)


@pytest.fixture
def answers(tmp_path: Path, scenario: Scenario) -> "Gathering":
    """Texts to be read, gathered from the files of two arms."""
    from reading_case import gathering

    return gathering(tmp_path, scenario)


@pytest.fixture
def laid(answers: "Gathering", tmp_path: Path, scenario: Scenario) -> Path:
    """The sheet of :func:`answers`, its key beside it."""
    from reading_case import lay_out

    return lay_out(answers, tmp_path, scenario)


@pytest.fixture
def fake_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that begins like a model, and is the one in use."""
    from evaluate_study import make_model

    base = make_model(tmp_path / "base.gguf")
    monkeypatch.setenv("FENCUN_MODEL", str(base))
    return base
