"""The command that serves a base and its adapter with vLLM, and the real vLLM started by it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from breed_case import SEEDS, children
from data_case import small_scenario
from evaluate_study import make_scenario
from tune_tiny import loud_adapter, tiny_base
from typer.testing import CliRunner

from fencun.brief import parse_brief
from fencun.cli import app_for
from fencun.data.breeding_plan import write_plan
from fencun.errors import EngineError
from fencun.files import read_jsonl, write_json, write_jsonl
from fencun.home import home
from fencun.models.engine import Decoding
from fencun.open_writer import open_writer
from fencun.scenario import Scenario
from fencun.tune.base import TunableBase
from fencun.tune.formats.export import export
from fencun.tune.formats.vllm import vllm_command
from fencun.tune.lora import LoraAdapter, widths
from fencun.writer import Piece, Writing

_HOME = home()
# What a tiny model on few cores takes beside the printed command: little memory, no compiler. In
# bfloat16 rounding decides what a random model says, so that an adapter of zeros is heard.
_SMALL = "--max-model-len 1024 --enforce-eager --dtype float32"


def test_the_command_names_both_and_asks_for_a_rank_that_vllm_knows(
    base: TunableBase, adapter: LoraAdapter
) -> None:
    command = vllm_command(base, adapter, Path("/runs/one"))
    assert command.startswith(f"vllm serve {base.folder} --served-model-name tiny")
    assert "--lora-modules fencun=/runs/one" in command
    assert "--max-lora-rank 8 " in command, "of rank 2, the smallest that vLLM takes"
    assert '{"enable_thinking": false}' in command


@dataclass(frozen=True)
class Served:
    """A vLLM that runs: where it answers, and the command that was printed for it."""

    url: str
    command: str
    environment: dict[str, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The real vLLM, started as the export prints it; a second adapter in it does nothing."""
    named = os.environ.get("FENCUN_VLLM", "")
    program = Path(named or _HOME / "vllm" / "bin" / "vllm")
    if not program.is_file():
        pytest.skip("vLLM is not set up on this machine: run scripts/setup-vllm")
    folder = tmp_path_factory.mktemp("vllm")
    base = tiny_base(folder / "tiny", family="qwen3", head=32)
    config = json.loads((base / "config.json").read_text())
    # A byte is a token to it: what a batch asks is longer than it was made for.
    write_json(base / "config.json", {**config, "max_position_embeddings": 12_288})
    loud_adapter(base).save(folder / "loud", "tiny")
    silent = LoraAdapter.fresh(widths(base), rank=2, alpha=4, layers=range(1, 3), seed=3)
    silent.save(folder / "silent", "tiny")
    export(folder / "loud", folder / "out", "vllm", base_name=str(base))
    command = (folder / "out" / "vllm.sh").read_text().strip()
    environment = {
        **os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}",
        "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_NO_USAGE_STATS": "1", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)
    port = _free_port()
    both = command.replace("fencun=", f"silent={folder / 'silent'} fencun=")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            ["sh", "-c", f"exec {both} {_SMALL} --port {port}"], env=environment,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(server, url, folder / "log")
        yield Served(f"{url}/v1", command, environment)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 900  # seconds on an idle machine; a busy one reads for minutes
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/health").status_code == 200:
                return
        time.sleep(0.5)
    pytest.fail(f"vLLM does not answer:\n{log.read_text(errors='replace')[-3000:]}")


@pytest.fixture
def endpoint(served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """That vLLM as the endpoint in use."""
    monkeypatch.setenv("FENCUN_ENDPOINT", served.url)
    monkeypatch.setenv("FENCUN_ENDPOINT_MODEL", "tiny")
    monkeypatch.setenv("FENCUN_ENDPOINT_TUNED", "fencun")
    return served


BRIEF = {"salutation": "老友", "relation": "发小", "length": "短"}


@pytest.mark.slow
async def test_base_and_tuned_arm_are_written_by_one_vllm(
    endpoint: Served, scenario: Scenario
) -> None:
    brief = parse_brief(scenario, BRIEF)
    async with open_writer(scenario) as writer:
        assert writer.default_arm == "tuned"
        greedy = [Decoding(temperature=0.0, max_tokens=16, adapter_scale=s) for s in (0.0, 1.0)]
        base, tuned = [
            await writer.engine.complete([{"role": "user", "content": "你好"}], each)
            for each in greedy
        ]
        assert base.text != tuned.text, "one server, two models"
        assert base.completion_tokens == tuned.completion_tokens == 16
        events = [e async for e in writer.stream(brief, arm="tuned", draws=3, seed=5)]
        writing = events[-1]
        assert isinstance(writing, Writing)
        assert {event.draw for event in events if isinstance(event, Piece)} == {0, 1, 2}
        pieces = [event.text for event in events if isinstance(event, Piece) and event.draw == 0]
        assert len(pieces) > 1, "it comes as a stream"
        assert {candidate.seed for candidate in writing.candidates} == {5, 6, 7}
        again = await writer.write(brief, arm="tuned", draws=3, seed=5)
        assert [c.text for c in again.candidates] == [c.text for c in writing.candidates]


@pytest.mark.slow
async def test_an_adapter_that_does_nothing_is_refused_and_doctor_tells_it(
    endpoint: Served, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doctor() -> tuple[int, str]:
        arguments = ["doctor", "--endpoint", "--json"]
        done = CliRunner().invoke(app_for(arguments), arguments)
        return done.exit_code, done.stdout

    code, told = await asyncio.to_thread(doctor)
    assert code == 0, told
    assert [check["ok"] for check in json.loads(told)] == [True, True]
    monkeypatch.setenv("FENCUN_ENDPOINT_TUNED", "silent")
    code, told = await asyncio.to_thread(doctor)
    assert code == 1
    assert [check["ok"] for check in json.loads(told)] == [True, False]
    with pytest.raises(EngineError, match="--lora-modules"):
        async with open_writer(scenario):
            pass


def _fencun(*given: object) -> str:
    words = [str(word) for word in given]
    done = CliRunner().invoke(app_for(words), words)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.slow
def test_batches_go_out_through_vllm_run_batch_and_come_back(
    endpoint: Served, tmp_path: Path
) -> None:
    """What writing, a study and breeding ask, in one file and one run of vLLM."""
    write_jsonl(tmp_path / "in.jsonl", [{"id": f"b{n}", **BRIEF} for n in range(3)])
    scene, small = make_scenario(tmp_path / "scene", test=3), small_scenario(tmp_path / "s", SEEDS)
    write_plan(tmp_path / "plan.jsonl", children(2))
    out, results = tmp_path / "out.jsonl", tmp_path / "results.jsonl"
    write = ("write", "--briefs", tmp_path / "in.jsonl")
    study = ("eval", "run", "--arms", "bare,prompt", "--briefs", 3, "--out", "study",
             "--scenario", scene.folder)  # fmt: skip
    breed = ("data", "breed", "--plan", tmp_path / "plan.jsonl", "--out", tmp_path / "run",
             "--scenario", small.folder)  # fmt: skip
    files = [tmp_path / f"{name}.jsonl" for name in ("write", "eval", "breed")]
    _fencun(*write, "--to-batch", files[0], "--arm", "tuned", "--draws", 2, "--seed", 4)
    _fencun(*study, "--to-batch", files[1])
    _fencun(*breed, "--to-batch", files[2])
    requests = tmp_path / "requests.jsonl"
    requests.write_bytes(b"".join(file.read_bytes() for file in files))
    assert requests.read_bytes().count(b"\n") == 6 + 6 + 2

    _run_batch(endpoint, requests, results)
    back = ("--from-batch", results, "--requests", requests)
    _fencun(*write, *back, "--out", out)
    rows = [row for _, row in read_jsonl(out) if isinstance(row, dict)]
    assert [row["id"] for row in rows] == ["b0", "b1", "b2"]
    for row in rows:
        assert row["arm"] == "tuned"
        assert len(row["candidates"]) == 2
        assert all(candidate["text"] for candidate in row["candidates"])
    answered = json.loads(_fencun(*study, *back, "--json"))["arms"]
    assert answered == {name: {"answered": 3, "asked": 3} for name in ("bare", "prompt")}
    bred = json.loads(_fencun(*breed, *back, "--to-batch", tmp_path / "more.jsonl", "--json"))
    assert bred["spent"]["calls"] == 2
    assert bred["spent"]["completion_tokens"] > 0
    again = [row for _, row in read_jsonl(tmp_path / "more.jsonl") if isinstance(row, dict)]
    tries = [row["custom_id"].split(".")[2] for row in again]
    assert tries == ["1"] * (2 - bred["kept"]), "what a random model says is no draft"


def _run_batch(endpoint: Served, requests: Path, results: Path) -> None:
    command = endpoint.command.replace(
        "vllm serve ", f"vllm run-batch -i {requests} -o {results} --model "
    )
    long = f"{_SMALL.replace('1024', '12288')} --max-num-batched-tokens 12288"
    long += " --no-enable-chunked-prefill"  # on a CPU vLLM dies of a seed and half a prompt
    done = subprocess.run(
        ["sh", "-c", f"{_without_chat(command)} {long}"],
        env=endpoint.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def _without_chat(command: str) -> str:
    """Return the command less the option that ``run-batch`` does not know: requests say it."""
    head, _, tail = command.partition("--default-chat-template-kwargs")
    return head + tail.partition("\\\n")[2]
