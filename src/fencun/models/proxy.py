"""The way to a server: straight on this machine, else through the proxy that the user has set."""

import ipaddress
import os
import ssl
from functools import cache
from importlib.util import find_spec
from typing import TypedDict
from urllib.request import getproxies, proxy_bypass

import httpx

from fencun.errors import FencunError

_KINDS = ("http", "https", "socks5", "socks5h")


class ProxyError(FencunError):
    """The proxy or the certificates that the environment names cannot be used."""

    code = "proxy"
    status = 502


class Route(TypedDict):
    """What an httpx client is made with, so that it looks into the environment no further."""

    proxy: str | None
    verify: ssl.SSLContext
    trust_env: bool


def route_to(url: str, certificates: str | None = None) -> Route:
    """Return how to reach ``url``; ``certificates`` is a file of the authorities to trust.

    Raises:
        ProxyError: the environment names a proxy or certificates that cannot be used.
    """
    return {"proxy": proxy_for(url), "verify": _trust(certificates), "trust_env": False}


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment sets for ``url``; none for this machine itself.

    Raises:
        ProxyError: it is of a kind that is not installed here, or no address at all.
    """
    target = httpx.URL(url)
    proxies = getproxies()
    name = target.scheme if proxies.get(target.scheme) else "all"
    proxy = proxies.get(name, "").strip()
    if not proxy or on_this_machine(target.host) or proxy_bypass(target.host):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    return _usable(proxy, f"{name.upper()}_PROXY")


def _usable(proxy: str, variable: str) -> str:
    try:
        parsed = httpx.URL(proxy)
    except (httpx.InvalidURL, UnicodeError):
        parsed = None
    if parsed is None or not parsed.host or parsed.scheme not in _KINDS:
        raise ProxyError(
            f"环境变量 {variable} 里的代理地址不对，应当像 http://主机:端口；改好或 unset 它再试。",
            f"The proxy in {variable} is no address such as http://host:port; mend or unset it.",
        )
    if parsed.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ProxyError(
            f"环境变量 {variable} 设的是 SOCKS 代理，这里还不会用：运行 pip install socksio，"
            f"或改用 http:// 的代理，或 unset {variable}。",
            f"{variable} names a SOCKS proxy, which needs one more package: pip install socksio; "
            f"or use an http:// proxy, or unset {variable}.",
        )
    return proxy


def on_this_machine(host: str) -> bool:
    """Whether ``host`` is this very machine, which no proxy can reach for us."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _trust(certificates: str | None) -> ssl.SSLContext:
    try:
        return _context(
            certificates, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        )
    except OSError as error:
        raise ProxyError(
            f"读不了证书文件（{error.strerror}）。请检查环境变量 SSL_CERT_FILE、SSL_CERT_DIR"
            f"{f'，和 pip 配置里的 {certificates}' if certificates else ''}。",
            f"Cannot read the certificates ({error.strerror}). Check SSL_CERT_FILE, SSL_CERT_DIR"
            f"{f' and {certificates} of your pip configuration' if certificates else ''}.",
        ) from error


@cache
def _context(certificates: str | None, *_environment: str | None) -> ssl.SSLContext:
    """Reading the authorities takes a while; with the same environment they are the same."""
    if certificates:
        return ssl.create_default_context(cafile=certificates)
    return httpx.create_ssl_context()
