"""Where an endpoint is: as people paste it, checked before anything is sent."""

import pytest

from fencun.errors import EngineError, ModelError
from fencun.models.address import parse_address


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://there/v1", "http://there/v1/chat/completions"),
        (" http://there:8000/v1/ ", "http://there:8000/v1/chat/completions"),
        ("http://there/v1/chat/completions", "http://there/v1/chat/completions"),
        ("https://there", "https://there/chat/completions"),
        ("http://there/v1#x", "http://there/v1/chat/completions"),
        ("http://a:b@there/v1", "http://there/v1/chat/completions"),
        ("https://there/x?api-version=1", "https://there/x/chat/completions?api-version=1"),
        ("http://[::1]:80/v1", "http://[::1]/v1/chat/completions"),
    ],
)
def test_the_address_as_it_is_written(given: str, url: str) -> None:
    address = parse_address(given)
    assert address.url == url
    assert address.shown == url.partition("?")[0]


@pytest.mark.parametrize(
    "given",
    ["http://例子:端口/v1", "http://there:99999/v1", "http:///v1", "http://", "ftp://there",
     "there/v1", "http://[::1/v1", "http://there:-1/v1", "http://\x00/v1", "http://a b:c"],
)  # fmt: skip
def test_what_is_no_address_is_a_sentence(given: str) -> None:
    with pytest.raises(ModelError, match="FENCUN_ENDPOINT"):
        parse_address(given)


@pytest.mark.parametrize(
    ("key", "shown"),
    [("sk-“abc”", "“.*第 4 个"), ("sk-abc\nx", r"U\+000A"), ("sk abc", r"U\+0020"), ("密钥", "密"),
     ("sk-a\ud83d", r"U\+D83D"), ("sk-a\u200b", r"U\+200B")],
)  # fmt: skip
def test_a_key_with_what_no_key_has_is_told_without_it(key: str, shown: str) -> None:
    with pytest.raises(ModelError, match=shown) as error:
        parse_address("http://there/v1", key)
    assert "abc" not in str(error.value)


def test_a_user_and_a_password_go_into_a_header() -> None:
    assert parse_address("http://me:pass@there/v1").headers == {
        "Authorization": "Basic bWU6cGFzcw=="
    }
    assert parse_address("http://me:pass@there/v1", " key\n").headers == {
        "Authorization": "Bearer key"
    }


def test_secrets_are_taken_out_of_words() -> None:
    address = parse_address("http://me:p%40ssword1@there/v1?code=verysecret", "")
    error = address.hide(EngineError("p@ssword1 说不", "no, code=verysecret"))
    assert (error.zh, error.en, error.args) == ("… 说不", "no, …", ("… 说不", "no, …"))
    assert "none" in parse_address("http://there", "none").hide(EngineError("none", "none")).en
