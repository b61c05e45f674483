"""The command line as tests run it: in this process, or as the real program."""

import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fencun import open_writer as opening
from fencun.adapter import Adapter
from fencun.cli import app_for
from fencun.gates import Gates
from fencun.models.engine import Decoding, Message
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario
from fencun.writer import Writer

BRIEF = ("--salutation", "王老师", "--relation", "高中班主任", "--length", "50字以内")


def fake_engine(monkeypatch: pytest.MonkeyPatch, adapter: Adapter | None = None) -> FakeEngine:
    """Let every command write through a fake engine, with ``adapter`` if it is given."""

    def answer(_: Sequence[Message], decoding: Decoding) -> str:
        return f"王老师，给您拜年了，天冷，您少站风口，保重{'好' * (decoding.seed % 3)}。"

    fake = FakeEngine(answer, has_adapter=adapter is not None)

    @asynccontextmanager
    async def open_writer(scenario: Scenario, **_: Any) -> AsyncIterator[Writer]:
        yield Writer(fake, Gates(scenario), adapter)

    monkeypatch.setattr(opening, "open_writer", open_writer)
    return fake


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app_for(arguments), arguments)


def fencun(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the real program."""
    return subprocess.run(
        [sys.executable, "-m", "fencun", *arguments],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, **options,
    )  # fmt: skip
