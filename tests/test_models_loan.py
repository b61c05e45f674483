"""What a lender and a borrower of an engine say to each other."""

from pathlib import Path

import pytest

from fencun.home import home
from fencun.models.loan import Loaded, socket_path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A model and two adapters, as far as their places on the disk go."""
    made = [tmp_path / name for name in ("model.gguf", "one.gguf", "two.gguf")]
    for path in made:
        path.write_bytes(path.name.encode())
    return made


def test_an_engine_serves_whoever_wants_what_it_has_loaded(files: list[Path]) -> None:
    model, one, two = files
    loaded = Loaded(model, (one, two), 4096).greeting()
    assert loaded.places(Loaded(model, (), 2048).greeting()) == []
    assert loaded.places(Loaded(model, (two, one), 4096).greeting()) == [1, 0]


def test_another_file_or_a_longer_context_is_another_engine(files: list[Path]) -> None:
    model, one, two = files
    loaded = Loaded(model, (one,), 4096).greeting()
    assert loaded.places(Loaded(model, (two,), 4096).greeting()) is None
    assert loaded.places(Loaded(one, (one,), 4096).greeting()) is None
    assert loaded.places(Loaded(model, (one,), 8192).greeting()) is None
    one.write_bytes(b"another adapter now")
    assert loaded.places(Loaded(model, (one,), 4096).greeting()) is None


def test_the_socket_lies_in_the_home_of_its_owner() -> None:
    assert socket_path().parent == home()
