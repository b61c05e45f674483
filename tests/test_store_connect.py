"""Which database, how it is opened, and what of it a person may read."""

from pathlib import Path

import pytest
from sqlalchemy import text
from store_case import row

from fencun.errors import StoreError
from fencun.store.connect import database_url
from fencun.store.database import Store


def test_the_default_is_a_file_under_home(own_home: Path) -> None:
    assert database_url() == f"sqlite:///{own_home / 'fencun.db'}"
    with Store() as store:
        store.write(lambda session: session.add(row()))
    assert (own_home / "fencun.db").is_file()


def test_sqlite_keeps_a_write_ahead_log_and_its_foreign_keys(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        settings = {
            name: store.read(lambda session, name=name: session.scalar(text(f"PRAGMA {name}")))
            for name in ("journal_mode", "foreign_keys", "synchronous")
        }
    assert settings == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "fencun.db"
    path.write_bytes("这不是数据库".encode() * 100)
    with pytest.raises(StoreError, match="打不开数据库"):
        Store(f"sqlite:///{path}")
    assert path.read_bytes() == "这不是数据库".encode() * 100


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="打不开数据库"):
        Store(f"sqlite:///{tmp_path / 'file' / 'fencun.db'}")


@pytest.mark.parametrize("url", ["mysql://a@b/c", "sqlite://", "not a url", "postgresql://host"])
def test_an_unusable_url_is_told(url: str) -> None:
    with pytest.raises(StoreError):
        Store(url)


def test_no_password_is_ever_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENCUN_DATABASE_URL", "postgresql://me:s3cret@127.0.0.1:1/none")
    with pytest.raises(StoreError) as failed:
        Store()
    assert "s3cret" not in failed.value.zh + failed.value.en
    assert "127.0.0.1" in failed.value.zh


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "fencun.db"
    path.touch(0o644)
    with Store(f"sqlite:///{path}") as store:
        store.write(lambda session: session.add(row()))
        for file in tmp_path.iterdir():
            assert file.stat().st_mode & 0o077 == 0, file
