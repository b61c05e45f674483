"""What somebody calls themselves: asked once, kept in a cookie."""

from urllib.parse import unquote

from starlette.responses import Response

from fencun.web.person import COOKIE, remember


def test_a_name_in_chinese_is_kept_in_a_cookie_of_ascii() -> None:
    answer = Response()
    remember(answer, "  王 老师；a=b\n")
    kept = answer.headers["set-cookie"]
    assert kept.isascii()
    assert kept.startswith(f"{COOKIE}=")
    assert unquote(kept.split("=", 1)[1].split(";")[0]).startswith("王 老师")
    assert "httponly" in kept.lower()
    assert "samesite=lax" in kept.lower()
