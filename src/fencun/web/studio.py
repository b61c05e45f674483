"""What a request may use: the scenario, the writer, the store, and the line in front of them.

The page and the API both write through :class:`Studio`, so both keep what they wrote.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from fencun.adapter import WRITER, described_adapter
from fencun.brief import Brief, parse_brief
from fencun.errors import FencunError, ModelError
from fencun.evaluate.blind import refuse_under_vote
from fencun.language import say
from fencun.models.endpoint import EndpointEngine
from fencun.models.pool import PoolEngine
from fencun.open_writer import writer_beside
from fencun.prompt import Arm, messages, parse_arm
from fencun.retrieval import Example
from fencun.scenario import Scenario
from fencun.store import writings
from fencun.store.database import Store
from fencun.store.schema import CandidateRow, Change, WritingRow
from fencun.web.errors import InvalidError, MissingError
from fencun.web.metrics import Metrics
from fencun.web.prefix import scenario_named
from fencun.web.queue import QueuePlace, WaitingLine
from fencun.web.rewrite import changed
from fencun.writer import Candidate, Done, Piece, Writer, Writing, rank

log = logging.getLogger("fencun.web")

SEEDS = 2**31
_REDRAWS = 3


@dataclass(frozen=True, slots=True)
class Order:
    """A request to write, understood. ``asked`` are the fields as typed; ``owner`` who asks."""

    asked: Mapping[str, str]
    brief: Brief
    arm: Arm
    keep: int
    draws: int
    seed: int
    source: str
    owner: str


@dataclass(frozen=True, slots=True)
class Queued:
    """Not yet: ``ahead`` requests came before."""

    ahead: int


@dataclass(frozen=True, slots=True)
class KeptWriting:
    """The end: what is shown, as it was kept in the store, and what stands beside it."""

    writing: WritingRow
    candidates: tuple[CandidateRow, ...]
    drawn: int
    unsure: bool = False
    examples: tuple[Example, ...] = ()


Event = Queued | Piece | Done | KeptWriting


class Studio:
    """One per scenario of an app. Belongs to the event loop of the app."""

    def __init__(
        self,
        scenario: Scenario,
        writer: Writer,
        store: Store,
        arm: str | None = None,
        *,
        line: WaitingLine | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.scenario = scenario
        self.writer = writer
        self.store = store
        self.line = line or WaitingLine(2, 30)
        self.metrics = metrics or Metrics()
        self.warmed = asyncio.Event()
        self._arm = arm
        self.default_arm = self.arm(arm) if arm else writer.default_arm

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that can answer here: ``tuned`` and ``edit`` only with an adapter."""
        return self.writer.arms

    def beside(self, scenario: Scenario) -> "Studio":
        """Return the studio of ``scenario`` on the same engine, store and line."""
        writer = writer_beside(self.writer, scenario)
        arm = self._arm if self._arm in writer.arms else None
        return Studio(scenario, writer, self.store, arm, line=self.line, metrics=self.metrics)

    @property
    def unadapted(self) -> str:
        """Why no adapter speaks in this scenario, in a sentence; empty where one does."""
        if self.writer.adapter:
            return ""
        try:
            described = described_adapter(self.scenario.folder / WRITER)
        except ModelError as error:
            return str(error)
        name = self.writer.engine.name
        if described is None:
            return say(
                "这个场景没有自己的适配器，按提示词写。",
                "This scenario has no adapter of its own; the engineered prompt writes.",
            )
        if described.base != name:
            return say(
                f"这个场景的适配器是给 {described.base} 做的，现在用的是 {name}，按提示词写。",
                f"This scenario's adapter was made for {described.base}, and {name} is in use; "
                "the engineered prompt writes.",
            )
        return say(
            "这个场景的适配器还没有加载，按提示词写；重开 fencun serve 就用上。",
            "This scenario's adapter is not loaded, so the engineered prompt writes; start fencun "
            "serve again to use it.",
        )

    def about(self) -> dict[str, object]:
        """Return what every page tells: the model, and whether it runs on this machine."""
        engine = self.writer.engine
        return {"model": engine.name, "local": not isinstance(engine, EndpointEngine | PoolEngine)}

    def arm(self, name: str) -> Arm:
        """Return the arm called ``name``; raises where there is none, or it is not loaded."""
        arm = parse_arm(name)
        if arm not in self.arms:
            raise InvalidError(*self.writer.lacking(arm), field="arm")
        return arm

    def order(
        self,
        asked: Mapping[str, str],
        *,
        arm: str | None = None,
        keep: int = 3,
        draws: int | None = None,
        seed: int | None = None,
        source: str,
        owner: str,
    ) -> Order:
        """Understand a request; raises :class:`~fencun.errors.BriefError` where it does not fit."""
        return Order(
            asked={name: typed for name, typed in asked.items() if typed},
            brief=parse_brief(self.scenario, asked),
            arm=self.arm(arm) if arm else self.default_arm,
            keep=keep,
            draws=draws or self.writer.draws_for(keep),
            seed=secrets.randbelow(SEEDS) if seed is None else seed,
            source=source,
            owner=owner,
        )

    @asynccontextmanager
    async def turn(self, brief: Brief, owner: str) -> AsyncIterator[QueuePlace]:
        """Hold a place in line, and then the turn, to write for ``brief``.

        Raises:
            UnderVoteError: people vote on texts for this very brief.
            BusyError: the line is full, or ``owner`` stands in it too often.
        """
        await self.store.aread(lambda session: refuse_under_vote(session, brief))
        async with self.line.place(owner) as place:
            yield place

    async def write(self, order: Order) -> AsyncGenerator[Event, None]:
        """Wait for a turn, write, keep; closing the iterator stops all of it.

        Raises:
            BusyError: the line is full; before anything is yielded.
            EngineError: the engine failed; nothing is kept.
        """
        async with self.turn(order.brief, order.owner) as place:
            async for ahead in place.positions():
                yield Queued(ahead)
            async with aclosing(self._stream(order)) as events:
                async for event in events:
                    yield await self._keep(order, event) if isinstance(event, Writing) else event

    async def _keep(self, order: Order, writing: Writing) -> KeptWriting:
        row = writings.writing_row(
            writing,
            asked=order.asked,
            decoding=self.writer.decoding(order.brief, order.arm),
            adapter=self.writer.adapter,
            source=order.source,
            owner=order.owner,
        )
        await self.store.awrite(lambda session: session.add(row))
        return KeptWriting(
            row, tuple(row.candidates), writing.drawn, writing.unsure, writing.examples
        )

    async def change(
        self, candidate: str, change: Change, text: str, owner: str
    ) -> AsyncGenerator[Event, None]:
        """Write one candidate anew in the place of another; ``text`` is how that reads now.

        Yields and raises as :meth:`write`, and :class:`MissingError` for a candidate that is
        not there (any more) or not the owner's.
        """
        found = await self.store.aread(
            lambda session: writings.find_candidate(session, candidate, owner)
        )
        if found is None or found[1].scenario != self.scenario.name:
            raise MissingError("这一条已经不在了，请重新写。", "That text is gone; write anew.")
        parent, writing = found
        order = self.order(
            changed(self.scenario, parent.asked or writing.asked, change, text),
            arm=writing.arm,
            keep=_REDRAWS,
            draws=_REDRAWS,
            source=writing.source,
            owner=owner,
        )
        drawn: list[Candidate] = []
        async with self.turn(order.brief, owner) as place:
            async for ahead in place.positions():
                yield Queued(ahead)
            async with aclosing(self._stream(order)) as events:
                async for event in events:
                    if not isinstance(event, Writing):
                        yield event
                    if isinstance(event, Done):
                        drawn.append(event.candidate)
        shown = [Candidate(row.text, (), -1) for row in writing.candidates]
        fresh = _freshest(shown, drawn)
        row = await self.store.awrite(
            lambda session: writings.replace_candidate(session, parent, fresh, change, order.asked)
        )
        yield KeptWriting(writing, (row,), len(drawn))

    async def _stream(self, order: Order) -> AsyncGenerator[Piece | Done | Writing, None]:
        drawing = self.writer.stream(
            order.brief, arm=order.arm, keep=order.keep, draws=order.draws, seed=order.seed
        )
        async with aclosing(drawing) as events:
            async for event in events:
                if isinstance(event, Done):
                    findings = event.candidate.findings
                    self.metrics.drew(order.arm, findings, event.completion)
                yield event

    @asynccontextmanager
    async def warming(self) -> AsyncIterator[None]:
        """Read the long prompt ahead in the background while the block runs."""

        async def warm() -> None:
            try:
                brief = parse_brief(self.scenario, self.scenario.whole_example)
                scale = self.writer.decoding(brief, self.default_arm).adapter_scale
                await self.writer.engine.warm(messages(brief, self.default_arm), scale)
            except FencunError as error:
                log.warning("warming failed: %s", error.en)
            finally:
                self.warmed.set()

        task = asyncio.create_task(warm())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _freshest(shown: list[Candidate], drawn: list[Candidate]) -> Candidate:
    """Return the best of ``drawn`` that is no near copy of what the person has seen."""
    fresh = [new for new in rank([*shown, *drawn]) if new.seed >= 0] or rank(drawn)
    if not fresh:
        raise InvalidError("这一次没有写出来，请再试一次。", "Nothing came of it; try again.")
    return fresh[0]


def studio(request: Request) -> Studio:
    """Return the studio of the scenario that ``request`` is about.

    Raises:
        ScenarioError: there is no such scenario, or it never could be read.
    """
    found = request.app.state.served.studio(scenario_named(request.scope))
    assert isinstance(found, Studio)
    return found


StudioDep = Annotated[Studio, Depends(studio)]
