"""The way to a server, whatever the environment says."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from fencun.models.proxy import ProxyError, on_this_machine, proxy_for, route_to

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("name", "value", "url", "proxy"),
    [
        ("HTTP_PROXY", "http://p:1", "http://there/v1", "http://p:1"),
        ("http_proxy", "p:1", "http://there/v1", "http://p:1"),
        ("HTTP_PROXY", "http://p:1", "https://there/v1", None),
        ("ALL_PROXY", "http://me:secret@p:1", "https://there/v1", "http://me:secret@p:1"),
        ("ALL_PROXY", "  ", "https://there/v1", None),
        ("ALL_PROXY", "socks5://p:1", "http://127.0.0.1:8000/v1", None),
        ("ALL_PROXY", "nonsense://", "http://[::1]:8000/v1", None),
        ("HTTP_PROXY", "http://p:1", "http://localhost:8000/v1", None),
    ],
)
def test_the_proxy_of_an_address(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, url: str, proxy: str | None
) -> None:
    monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy


def test_no_proxy_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://p:1")
    monkeypatch.setenv("NO_PROXY", "::1,fd00::/8,inside.example, other")
    assert proxy_for("https://models.inside.example/v1") is None
    monkeypatch.setenv("NO_PROXY", "*")
    assert proxy_for("https://there/v1") is None


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:9", "socks5h://p:1"])
def test_a_socks_proxy_needs_a_package_and_says_which(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", value)
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(ProxyError, match=r"ALL_PROXY.*pip install socksio"):
        route_to("http://there/v1")
    there = ModuleType("socksio")
    there.__spec__ = pytest.__spec__
    monkeypatch.setitem(sys.modules, "socksio", there)
    assert proxy_for("http://there/v1") == value


@pytest.mark.parametrize("value", ["socks4://p:1", "ftp://p:1", "http://", "http://p:port"])
def test_a_proxy_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(ProxyError, match="HTTPS_PROXY"):
        route_to("https://there/v1")


def test_certificates_that_are_not_there_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ProxyError, match=r"none\.pem"):
        route_to("https://there/v1", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    with pytest.raises(ProxyError, match="SSL_CERT_FILE"):
        route_to("https://there/v1")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True), ("LOCALHOST.", True), ("a.localhost", True), ("127.9.0.1", True),
        ("[::1]", True), ("0.0.0.0", True), ("10.0.0.1", False), ("localhost.evil", False),
    ],
)  # fmt: skip
def test_this_machine(host: str, here: bool) -> None:
    assert on_this_machine(host) == here
