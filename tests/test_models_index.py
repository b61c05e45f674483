"""Packages come from where the user's pip gets them."""

from pathlib import Path

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from fencun.models.index import package_index


@pytest.fixture(autouse=True)
def own_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a configuration of pip that is its own."""
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "CERT"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    path = tmp_path / "pip.conf"
    path.write_text("")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return path


def test_a_mirror_in_the_configuration_is_used(own_pip: Path) -> None:
    own_pip.write_text(
        "[global]\nindex-url = https://mirror.example/simple\n"
        "extra-index-url =\n  https://b.example/simple\n  file:///nowhere\n"
        "cert = /etc/ca.pem\n"
    )
    index = package_index()
    assert index.urls == ("https://mirror.example/simple", "https://b.example/simple")
    assert index.certificates == "/etc/ca.pem"


def test_the_environment_goes_before_the_file(
    own_pip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_pip.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    monkeypatch.setenv("PIP_INDEX_URL", "https://env.example/simple")
    assert package_index().urls == ("https://env.example/simple",)


def test_the_public_index_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert package_index().urls == (PYPI_SIMPLE_ENDPOINT,)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")
    assert package_index().urls == ("https://uv.example/simple",)


def test_an_environment_without_pip_asks_the_python_it_was_made_from(
    own_pip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_pip.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert package_index().urls == ("https://mirror.example/simple",)


def test_without_pip_the_environment_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    monkeypatch.setattr("sys._base_executable", "/nowhere/python")
    monkeypatch.setenv("PIP_INDEX_URL", "https://env.example/simple")
    assert package_index().urls == ("https://env.example/simple",)
