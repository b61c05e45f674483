"""The command line with an endpoint, as a process: whatever the environment and the server say,
it ends with a text or a sentence, never with a traceback, and never passes what is no text."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import chat_server
import pytest
from chat_server import GOOD, Server, answer, sse

from fencun.cli import main

BRIEF = (
    "--salutation",
    "老周",
    "--relation",
    "发小",
    "--length",
    "一句话",
    "-n",
    "1",
    "--draws",
    "1",
    "--seed",
    "1",
)
PROXIES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with chat_server.serving() as server:
        yield server


@pytest.fixture
def dead() -> str:
    """The address of a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return f"127.0.0.1:{held.getsockname()[1]}"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: object
    out: str
    err: str


@pytest.fixture
def fencun(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run the program as from a shell, with these environment variables, in this process."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)

    def run(*arguments: str, **environment: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["fencun", *arguments])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Ended(ended.value.code or 0, told.out, told.err)

    return run


Run = Callable[..., Ended]


@pytest.fixture
def write(fencun: Run) -> Run:
    """Write one text through the endpoint at a server."""

    def run(server: Server, **environment: str) -> Ended:
        settings = {"FENCUN_ENDPOINT": server.url, "FENCUN_ENDPOINT_MODEL": "m"}
        return fencun("write", *BRIEF, **{**settings, **environment})

    return run


@pytest.mark.parametrize(
    "proxies",
    [
        {"ALL_PROXY": "socks5://DEAD", "NO_PROXY": "127.0.0.1"},
        {"ALL_PROXY": "socks5://DEAD"},
        {"HTTP_PROXY": "http://DEAD", "http_proxy": "http://DEAD"},
        {"HTTP_PROXY": "http://DEAD", "NO_PROXY": "::1,fd00::/8"},
    ],
)
def test_a_proxy_is_no_way_to_this_machine(
    write: Run, server: Server, dead: str, proxies: dict[str, str]
) -> None:
    ended = write(server, **{name: value.replace("DEAD", dead) for name, value in proxies.items()})
    assert ended.code == 0, ended.err
    assert GOOD in ended.out


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"FENCUN_ENDPOINT_KEY": "sk-“abc”"}, "“"),
        ({"FENCUN_ENDPOINT": "http://例子:端口/v1"}, "FENCUN_ENDPOINT"),
        ({"FENCUN_ENDPOINT": "127.0.0.1:8000/v1"}, "http://"),
        ({"FENCUN_ENDPOINT": "http://there.invalid/v1", "ALL_PROXY": "socks5://127.0.0.1:9"},
         "socksio"),
        ({"FENCUN_ENDPOINT": "https://there.invalid/v1", "SSL_CERT_FILE": "/none"},
         "SSL_CERT_FILE"),
        ({"FENCUN_ENDPOINT_MODEL": ""}, "FENCUN_ENDPOINT_MODEL"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_settings_is_a_sentence(
    write: Run, server: Server, environment: dict[str, str], told: str
) -> None:
    ended = write(server, **environment)
    assert (ended.code, "Traceback" in ended.err) == (1, False), ended.err
    assert told in ended.err
    assert "sk-" not in ended.err


def test_a_fetch_through_a_proxy_that_is_not_to_be_had_is_a_sentence(
    fencun: Run, dead: str
) -> None:
    ended = fencun(
        "model", "fetch", "qwen2.5-coder-0.5b", ALL_PROXY=f"socks5://{dead}",
        PIP_INDEX_URL="http://there.invalid/simple",
    )  # fmt: skip
    assert (ended.code, "Traceback" in ended.err) == (1, False), ended.err
    assert ended.err[ended.err.index("没成") :].count("pip install socksio") == 1


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_any_terminal_can_be_written_to(server: Server, encoding: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from fencun.cli import main; main()", "write", *BRIEF],
        capture_output=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONIOENCODING": encoding, "FENCUN_ENDPOINT": server.url,
             "FENCUN_ENDPOINT_MODEL": "m"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr.decode(encoding)
    if encoding == "gbk":
        assert f"{GOOD}\n   √" in ended.stdout.decode(encoding)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (sse({"choices": [{"delta": {"reasoning_content": GOOD}}]},
             {"choices": [{"delta": {}, "finish_reason": "stop"}]}), "只给出了思考"),
        (answer("<think>想很久，", "length"), "只给出了思考"),
        (answer(f"老周是发小，可以提爬树。</think>\n\n{GOOD}"), ""),
        (answer("老周，树还在，咱俩爬", "length"), "没有写完"),
        (answer("老周，树还在，咱俩爬", "content_filter"), "内容审查"),
        (answer(GOOD, "network_error"), "没有写完"),
        (answer(GOOD, None), "看看结尾"),
        (sse({"error": {"message": "out of \ud83d\x1b[31m memory"}}), "out of"),
        (b'{"code": "InvalidApiKey", "message": "Invalid API-key provided."}', "API-key"),
        ("<html><title>登录</title>请先登录</html>".encode("gbk"), "看不懂"),
        (sse({"choices": [{"delta": {"content": GOOD}}]}, done=False), "中途断了"),
        (b"", "中途断了"),
        (b"\x00\xff\xfe" * 99, "看不懂"),
    ],
)  # fmt: skip
def test_what_the_server_says_is_a_text_or_a_sentence(write: Run, body: bytes, told: str) -> None:
    with chat_server.serving(lambda _: body) as there:
        ended = write(there)
    assert "Traceback" not in ended.err
    assert told in ended.out + ended.err
    assert "想很久" not in ended.out
    assert "可以提爬树" not in ended.out
    if told:
        assert "✓" not in ended.out, "what did not end well has not passed"
    assert (ended.code == 0) == bool(ended.out)


@pytest.mark.parametrize(
    ("deltas", "text"),
    [
        ([{"content": [{"type": "thinking", "thinking": "想"}, {"type": "text", "text": GOOD}]}],
         GOOD),
        ([{"content": "老周\ud83d"}, {"content": "\ude00，给你拜年，少熬夜。"}],
         "老周😀，给你拜年，少熬夜。"),
    ],
)  # fmt: skip
def test_what_can_be_read_is_read(write: Run, deltas: list[chat_server.Said], text: str) -> None:
    events = [{"choices": [{"delta": delta}]} for delta in deltas]
    events.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    with chat_server.serving(lambda _: sse(*events)) as there:
        assert text in write(there).out


def tuned_says(text: str) -> Callable[[chat_server.Said], bytes]:
    return lambda asked: answer(text if asked["model"] == "fencun" else GOOD)


TUNED = {"FENCUN_ENDPOINT_MODEL": "m", "FENCUN_ENDPOINT_TUNED": "fencun"}


def test_a_tuned_model_at_an_endpoint_writes(fencun: Run) -> None:
    text = "老周，给你拜年，那棵树还在，就是爬不动了。"
    with chat_server.serving(tuned_says(text)) as there:
        ended = fencun("write", *BRIEF, FENCUN_ENDPOINT=there.url, **TUNED)
        assert (ended.code, text in ended.out) == (0, True), ended.err
        assert "m · tuned" in ended.out
        ended = fencun("write", *BRIEF, "--arm", "bare", FENCUN_ENDPOINT=there.url, **TUNED)
        assert GOOD in ended.out
        ended = fencun("doctor", "--endpoint", FENCUN_ENDPOINT=there.url, **TUNED)
        assert (ended.code, ended.out.count("✓")) == (0, 2), ended.out


def test_a_tuned_model_that_is_its_base_is_refused(fencun: Run) -> None:
    with chat_server.serving(tuned_says(GOOD)) as there:
        ended = fencun("write", *BRIEF, FENCUN_ENDPOINT=there.url, **TUNED)
        assert (ended.code, ended.out) == (1, "")
        assert "一字不差" in ended.err
        ended = fencun("doctor", "--endpoint", FENCUN_ENDPOINT=there.url, **TUNED)
        assert ended.code == 1
        assert "✗ 微调的模型" in ended.out
        monkey = {**TUNED, "FENCUN_ENDPOINT_TUNED": ""}
        assert fencun("doctor", "--endpoint", FENCUN_ENDPOINT=there.url, **monkey).code == 0


def test_what_is_wrong_with_an_endpoint_is_seen_by_the_doctor(fencun: Run, dead: str) -> None:
    assert fencun("doctor", "--endpoint").code == 1
    with chat_server.serving(lambda _: (401, {"error": "bad key"})) as there:
        ended = fencun("doctor", "--endpoint", FENCUN_ENDPOINT=there.url, FENCUN_ENDPOINT_MODEL="m")
    assert (ended.code, "bad key" in ended.out) == (1, True)
