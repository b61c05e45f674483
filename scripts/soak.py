"""The scorecard of docs/reliability.md at its full size: ``make soak``, or some rows by name.

    python scripts/soak.py [row …]

Each row is a test of the suite told to do much more, and schemathesis on the whole OpenAPI. All of
them together take hours; what each found stands in ``soak.json`` as soon as it is done.
"""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from fencun.scenario import Scenario, load_scenario

ROOT = Path(__file__).parents[1]
SEEN = ROOT / "soak.json"
TRIED = ROOT / "schemathesis.json"
CASES = 20_000
ROWS: dict[str, tuple[dict[str, str], str]] = {
    "writes": ({}, "tests/faults/test_failed_writes.py"),
    "access": ({}, "tests/test_web_access.py"),
    "bodies": ({"FENCUN_REFUSED_S": "5"}, "tests/faults/test_hostile_bodies.py"),
    "mutations": (
        {"FENCUN_MUTATIONS": "400"},
        "tests/faults/test_mutated_files.py tests/faults/test_mutated_studies.py",
    ),
    "expressions": ({"FENCUN_SPITES": "12"}, "tests/test_regular_expressions.py"),
    "away": ({"FENCUN_AWAY_S": "20"}, "tests/faults/test_database_away.py"),
    "ballots": (
        {"FENCUN_LOOKS": "10000", "FENCUN_FORGERIES": "1000"},
        "tests/faults/test_ballot_box.py",
    ),
    "pair": (
        {"FENCUN_RATERS": "200", "FENCUN_BALLOTS": "50", "FENCUN_AWAY_S": "20"},
        "tests/test_two_servers.py",
    ),
    "payloads": ({"FENCUN_PAYLOADS": "500", "FENCUN_CARDS": "500"}, "tests/e2e/test_hostile.py"),
    "nonsense": ({"FENCUN_NONSENSE": "100"}, "tests/fuzz/test_fuzz_api.py"),
    "server": ({"FENCUN_SERVER_KILLS": "500"}, "tests/faults/test_server_kill.py"),
    "tuning": ({"FENCUN_KILLS": "200"}, "tests/faults/test_tune_kill.py"),
    "schemathesis": ({}, ""),
    "engine": (
        {"FENCUN_SOAK_S": "7200", "FENCUN_SOAK_KILL_S": "300"},
        "tests/faults/test_engine_soak.py",
    ),
}


def main(asked: list[str]) -> int:
    """Run the rows ``asked`` for (all, if none); return 0 if all of them hold."""
    if unknown := [name for name in asked if name not in ROWS]:
        print(f"no such row: {', '.join(unknown)}; there are: {', '.join(ROWS)}")
        return 2
    seen = json.loads(SEEN.read_text()) if SEEN.exists() else {}
    for name in asked or ROWS:
        settings, path = ROWS[name]
        started = time.monotonic()
        print(f"== {name} {' '.join(f'{key}={value}' for key, value in settings.items())}")
        code = tested(settings, path) if path else schemathesis()
        seen[name] = {"holds": code == 0, "seconds": round(time.monotonic() - started)}
        SEEN.write_text(json.dumps(seen, indent=2) + "\n")
        print(f"   {'holds' if code == 0 else 'DOES NOT HOLD'}, {seen[name]['seconds']} s")
    return int(not all(seen[name]["holds"] for name in asked or ROWS))


def tested(settings: dict[str, str], path: str) -> int:
    """Run these files of the suite with these settings."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", *path.split()]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}).returncode


def schemathesis() -> int:
    """Let schemathesis try every operation of the OpenAPI of a server with a fake engine.

    One operation after the other, those that take least first, so that what an operation without
    anything to vary leaves over goes to the others. Where an address names something, half of the
    cases name what is there. What was tried stands in ``schemathesis.json`` at once: a run that
    was stopped goes on with the next operation.
    """
    sys.path.insert(0, str(ROOT / "tests"))
    import web_app

    scenario = load_scenario()
    tried = json.loads(TRIED.read_text()) if TRIED.exists() else {}
    with tempfile.TemporaryDirectory() as home:
        os.environ["FENCUN_HOME"] = home  # nobody's own history is fuzzed
        web = web_app.app(scenario)
        with web_app.running(web) as url:
            operations = _operations(web.openapi()["paths"])
            there = _there(url, scenario, Path(home))
            for at, operation in enumerate(operations, 1):
                if operation not in tried:
                    left = CASES - sum(tried[name] for name in operations if name in tried)
                    share = max(1, math.ceil(left / (len(operations) - at + 1)))
                    if (cases := _tried(url, operation, share, there)) is None:
                        return 1
                    tried[operation] = cases
                    TRIED.write_text(json.dumps(tried, indent=2) + "\n")
                done = sum(tried[name] for name in operations if name in tried)
                print(f"{at}/{len(operations)} {operation}: {tried[operation]}, in all {done}")
    TRIED.unlink(missing_ok=True)
    return 0


def _operations(paths: dict[str, Any]) -> list[str]:
    """Return the operations by name, those with nothing to vary first."""
    every = [
        ("requestBody" in told, len(told.get("parameters", [])), f"{method.upper()} {path}")
        for path, methods in paths.items()
        for method, told in methods.items()
    ]
    return [name for *_, name in sorted(every)]


def _there(url: str, scenario: Scenario, folder: Path) -> Path:
    """Put something in the database; return a configuration that names it."""
    import httpx
    import web_app

    drafts = (scenario.folder / "drafts.jsonl").read_bytes().splitlines(keepends=True)[:8]
    with httpx.Client(base_url=url, trust_env=False, timeout=120) as client:
        client.post("/review", files={"file": ("few.jsonl", b"".join(drafts))})
        batch = client.get("/api/reviews").json()["batches"][0]["id"]
        writing = client.post("/api/write", json={"brief": web_app.BRIEF}).json()["id"]
        seed = client.get("/api/seeds").json()["seeds"][0]["id"]
        model = client.get("/v1/models").json()["data"][0]["id"]
    named = {"batch": batch, "writing": writing, "seed": seed, "name": model, "sketch": "1" * 32}
    config = folder / "there.toml"
    lines = [f'"path.{name}" = {json.dumps(value)}' for name, value in named.items()]
    config.write_text("\n".join(["[parameters]", *lines]) + "\n")
    (folder / "nothing.toml").write_text("")
    return config


def _tried(url: str, operation: str, cases: int, there: Path) -> int | None:
    """Try one operation; return how many cases there were, None if one of them was answered 5xx."""
    configs = [there, there.with_name("nothing.toml")] if "{" in operation else [there]
    report, total = there.with_name("report.json"), 0
    for config in configs:
        command = [
            _installed(), "--config-file", str(config), "run", f"{url}/openapi.json", "--url", url,
            "--include-name", operation, "--phases", "fuzzing", "--checks", "not_a_server_error",
            "--max-examples", str(math.ceil(cases / len(configs))), "--continue-on-failure",
            "--suppress-health-check", "all", "--warnings", "off", "--workers", "1",
            "--report", "json", "--report-json-path", str(report),
        ]  # fmt: skip
        done = subprocess.run(command, cwd=there.parent, capture_output=True, text=True)
        if done.returncode:
            print(done.stdout[-8000:], done.stderr[-2000:])
            return None
        total += int(re.findall(r"(\d+) generated", done.stdout)[-1])
    return total


def _installed() -> str:
    """Return schemathesis, installed in an environment of its own: it pins what we do not."""
    folder = ROOT / ".venv" / "schemathesis"
    program = folder / "bin" / "schemathesis"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        install = ["-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
        python = os.environ.get("PYTHON", "python3")
        subprocess.run([python, *install, "schemathesis>=4,<5"], check=True)
    return str(program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
