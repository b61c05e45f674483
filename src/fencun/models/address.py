"""Where an endpoint is and what opens it: checked before the first request, never shown whole."""

import re
from base64 import b64encode
from dataclasses import dataclass

import httpx

from fencun.errors import FencunError, ModelError

_ASKED = "/chat/completions"
_SECRET = 8  # characters: a shorter key ("none", "ollama") is a word like any other


@dataclass(frozen=True, slots=True)
class Address:
    """The URL to post to, without credentials, and the header that carries them.

    ``shown`` is what people may see: no user, password or query.
    """

    url: str
    shown: str
    headers: dict[str, str]
    secrets: tuple[str, ...]

    def hide(self, error: FencunError) -> FencunError:
        """Take every secret out of the words of ``error``, wherever they came from."""
        for secret in self.secrets:
            error.zh, error.en = (words.replace(secret, "…") for words in (error.zh, error.en))
        error.args = (error.zh, error.en)
        return error


def parse_address(base_url: str, api_key: str = "") -> Address:
    """Return the address of the endpoint at ``base_url``, as people write or paste it.

    Raises:
        ModelError: it is no URL, or the key holds what no key can.
    """
    url = _parsed(base_url.strip())
    key = _checked(api_key.strip())
    path = url.path.rstrip("/")
    path = path if path.endswith(_ASKED) else path + _ASKED
    bare = url.copy_with(username=None, password=None, fragment=None, path=path)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if not key and url.userinfo:
        pair = f"{url.username}:{url.password}".encode()
        headers = {"Authorization": f"Basic {b64encode(pair).decode()}"}
    query = url.query.decode("ascii", "replace")
    secrets = {key, url.password, query, headers.get("Authorization", "").partition(" ")[2]}
    return Address(
        str(bare),
        str(bare.copy_with(query=None)),
        headers,
        tuple(sorted((s for s in secrets if len(s) >= _SECRET), key=len, reverse=True)),
    )


def _parsed(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
        port = 1 if url.port is None else url.port
        fits = url.scheme in ("http", "https") and url.host and 0 < port < 65536
    except (httpx.InvalidURL, UnicodeError, ValueError):
        fits = False
    if not fits:
        raise ModelError(
            "接口的地址不对：应当像 http://127.0.0.1:8000/v1（冒号后是端口，1 到 65535）。"
            "请检查 FENCUN_ENDPOINT。",
            "The endpoint is no URL such as http://127.0.0.1:8000/v1 (a host, and a port from 1 "
            "to 65535 after the colon). Check FENCUN_ENDPOINT.",
        )
    return url


def _checked(key: str) -> str:
    if odd := re.search(r"[^\x21-\x7e]", key):
        shown = odd[0] if odd[0].isprintable() and odd[0] != " " else f"U+{ord(odd[0]):04X}"
        raise ModelError(
            f"密钥里有密钥不会有的字符“{shown}”（第 {odd.start() + 1} 个），多半是复制时带进来的。"
            "请检查 FENCUN_ENDPOINT_KEY。",
            f"The key holds {shown!r} at {odd.start() + 1}, which no key has: it was probably "
            "pasted along. Check FENCUN_ENDPOINT_KEY.",
        )
    return key
