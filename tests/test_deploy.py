"""What ``deploy/`` names is there: services, settings, options, routes. The guide's commands."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import postgres_server
import pytest
import typer
import uvicorn
import yaml

from fencun.cli import serve as serving
from fencun.tune.formats.vllm import vllm_command
from fencun.web.app import ROUTERS, routers

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
FILES = ("compose.yaml", "compose.vllm.yaml")
OTHERS = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "VLLM_API_KEY"}  # of their images
_BLOCK = re.compile(
    r"<!-- not run: [^>]*tests/test_deploy.py[^>]*-->\n```bash\n(.*?)```", re.DOTALL
)


def composed(name: str) -> dict[str, Any]:
    found = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def program_reads() -> set[str]:
    """The settings that our code, or the server under it, reads from the environment."""
    sources = [*(ROOT / "src").rglob("*.py"), Path(uvicorn.__file__).parent / "config.py"]
    pattern = re.compile(r"FENCUN_[A-Z_]+|FORWARDED_ALLOW_IPS")
    return {name for path in sources for name in pattern.findall(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", FILES)
def test_every_setting_is_one_that_the_program_reads(name: str) -> None:
    known, caddy = program_reads(), (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    for service, declared in composed(name)["services"].items():
        for setting in declared.get("environment", {}):
            if service == "proxy":
                assert f"{{${setting}}}" in caddy, setting
            elif service in ("postgres", "vllm"):
                assert setting in OTHERS, setting
            else:
                assert setting in known, setting


def test_what_is_to_be_filled_in_is_in_the_example_and_nothing_else() -> None:
    asked: set[str] = set()
    for name in FILES:
        text = (DEPLOY / name).read_text(encoding="utf-8")
        asked |= set(re.findall(r"\$\{(\w+)", text))
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")
    assert asked == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    caddy = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    given = composed("compose.yaml")["services"]["proxy"]["environment"]
    assert set(re.findall(r"\{\$(\w+)\}", caddy)) == set(given)


def test_services_volumes_routes_and_options_that_are_named_are_there() -> None:
    whole = composed("compose.yaml")
    services = whole["services"]
    paths = {route.path for router in routers_of_app() for route in router.routes}
    caddy = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    assert set(re.findall(r"(\w+):8765", caddy)) == {"web1", "web2"} <= services.keys()
    assert {"/health", "/ready", "/metrics"} <= paths
    assert set(re.findall(r"(?:health_uri|path) (/.*)", caddy)) <= {
        "/ready",
        "/health /ready /metrics",
    }
    for name, declared in services.items():
        assert set(declared.get("depends_on", {})) <= services.keys(), name
        for volume in declared.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in whole["volumes"] or (DEPLOY / source).exists(), volume
    web = services["web1"]
    assert "127.0.0.1:8765/ready" in web["healthcheck"]["test"][-1]
    assert web["environment"] == services["web2"]["environment"]
    assert (web["hostname"], services["web2"]["hostname"]) == ("web1", "web2")
    command = typer.main.get_command(serving.app)
    flags = {
        flag
        for parameter in command.params
        for flag in [*parameter.opts, *parameter.secondary_opts]
    }
    options = [each for each in web["command"] if each.startswith("--")]
    assert set(options) <= flags
    grace = int(web["command"][web["command"].index("--grace") + 1])
    assert grace < int(web["stop_grace_period"].removesuffix("s"))


def routers_of_app() -> list[Any]:
    from importlib import import_module

    return list(routers(import_module(name) for name in ROUTERS))


def test_vllm_is_started_as_the_export_says() -> None:
    printed: Any = vllm_command(
        SimpleNamespace(folder="/base", name="base"),  # type: ignore[arg-type]
        SimpleNamespace(rank=64),  # type: ignore[arg-type]
        Path("/adapter"),
    )
    services = composed("compose.vllm.yaml")["services"]
    given = services["vllm"]["command"]
    for flag in re.findall(r"--[a-z-]+", printed):
        assert flag in given, flag
    told = services["web1"]["environment"]
    assert given[given.index("--served-model-name") + 1] == told["FENCUN_ENDPOINT_MODEL"]
    assert given[given.index("--lora-modules") + 1].split("=")[0] == told["FENCUN_ENDPOINT_TUNED"]
    assert set(services) - {"vllm"} <= composed("compose.yaml")["services"].keys()


def test_the_image_copies_and_installs_what_there_is() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists(), source
            kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
            assert f"!{source}" in kept, source
    from fencun.extras import EXTRAS

    extras = re.search(r"'\.\[(.*)\]'", text)
    assert extras
    assert set(extras[1].split(",")) == EXTRAS.keys() - {"tune", "ray"}


def test_docker_compose_takes_the_files(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("there is no docker compose on this machine")
    files = [part for name in FILES for part in ("-f", str(DEPLOY / name))]
    example = ["--env-file", str(DEPLOY / "env.example")]
    told = subprocess.run(
        [docker, "compose", *example, *files, "config", "--quiet"], capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr


@pytest.mark.slow
def test_the_steps_with_postgresql_work_as_the_guide_shows_them(
    postgres: str, tmp_path: Path, own_home: Path
) -> None:
    """Both servers of the guide, on free ports, with an endpoint instead of the large model."""
    blocks = _BLOCK.findall((ROOT / "docs" / "deploy.md").read_text(encoding="utf-8"))
    assert len(blocks) == 3
    code = "".join(blocks)
    database = postgres_server.new_database(postgres, f"t{uuid4().hex}")
    code = code.replace("postgresql://fencun:secret@127.0.0.1/fencun", database)
    for port in ("8765", "8766"):
        code = code.replace(port, str(free_port()))
    waits = (
        "for _ in $(seq 240); do "
        "curl -sf -o /dev/null http://127.0.0.1:{}/ready && break; sleep 0.5; done"
    )
    started = re.sub(
        r"^(fencun serve.*--port (\d+))$",
        lambda found: f"{found[1]} &\nservers+=($!)\n{waits.format(found[2])}",
        code,
        flags=re.MULTILINE,
    )
    head = "set -euo pipefail\nservers=()\ntrap 'kill \"${servers[@]}\"; wait' EXIT\nset -x\n"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "FENCUN_ENDPOINT": "http://127.0.0.1:9/v1",
        "FENCUN_ENDPOINT_MODEL": "m",
    }
    ended = subprocess.run(
        ["bash", "-c", head + started],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert ended.returncode == 0, f"{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
    assert ended.stdout.count('"ready":true') == 2


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
