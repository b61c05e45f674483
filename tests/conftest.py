"""What every test shares: a home of its own, and the shipped scenario."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import postgres_server
import pytest

from fencun.home import home
from fencun.scenario import Scenario, load_scenario

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
    return load_scenario()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL server of our own: its URL, without a database."""
    if postgres_server.binaries() is None:
        pytest.skip("no PostgreSQL server is installed on this machine")
    with postgres_server.server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: once a SQLite file, once a real PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'fencun.db'}"
    return postgres_server.new_database(request.getfixturevalue("postgres"), f"t{uuid4().hex}")
