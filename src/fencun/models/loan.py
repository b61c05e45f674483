"""One loaded model a machine: what a lender of an engine and a borrower say to each other.

The lender (``fencun serve``) listens on a Unix socket in ``FENCUN_HOME`` that only its user may
open. It greets with what it has loaded; the borrower (``fencun write``) answers with one
:class:`LoanRequest` and gets many :class:`Reply`, each a line of JSON. A connection is one request;
who hangs up cancels it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from fencun import __version__
from fencun.errors import BusyError, EngineError, FencunError
from fencun.home import home
from fencun.models.engine import Completion, Decoding
from fencun.models.integrity import stamp

LONGEST_LINE = 8 << 20  # bytes
BEAT_S = 5.0  # how often a lender that has nothing else to say says that it is there
_MOST = 64


def socket_path() -> Path:
    """Return where the engine of this ``FENCUN_HOME`` is lent."""
    return home() / "engine.sock"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The files that an engine has loaded, adapters in order; ``context`` in tokens a request."""

    model: Path
    adapters: tuple[Path, ...]
    context: int

    def greeting(self) -> "Greeting":
        """Return what a lender says of it, each file as it is on the disk now."""
        return Greeting(
            fencun=__version__,
            model=stamp(self.model),
            adapters=[stamp(path) for path in self.adapters],
            context=self.context,
        )


class Greeting(BaseModel):
    """What a lender has loaded: files by device, inode, size and times."""

    fencun: str
    model: list[int]
    adapters: list[list[int]]
    context: int

    def places(self, wanted: Self) -> list[int] | None:
        """Return where in our order the adapters ``wanted`` are; None: this is another engine."""
        same = (self.fencun, self.model) == (wanted.fencun, wanted.model)
        if not same or self.context < wanted.context:
            return None
        if not all(adapter in self.adapters for adapter in wanted.adapters):
            return None
        return [self.adapters.index(adapter) for adapter in wanted.adapters]


class LoanRequest(BaseModel):
    """A request: ``n`` answers to a chat, or how likely ``answer`` is beside ``other``."""

    messages: list[dict[Literal["role", "content"], str]]
    decoding: Decoding
    n: int = Field(default=1, ge=1, le=_MOST)
    odds: tuple[str, str] | None = None


class Reply(BaseModel):
    """A piece of an answer, a whole one, a probability, an error, or the ``end``.

    One without anything says that the lender is still there.
    """

    delta: tuple[int, str] | None = None
    whole: tuple[int, Completion] | None = None
    odds: float | None = None
    error: tuple[str, str, str, int | None] | None = None
    end: bool = False

    @classmethod
    def failed(cls, error: FencunError) -> Self:
        """Return the reply that tells of ``error``."""
        return cls(error=(error.code, error.zh, error.en, error.retry_after))

    def raise_error(self) -> None:
        """Raise the error that this tells of, if it does."""
        if self.error is None:
            return
        code, zh, en, retry_after = self.error
        if code == BusyError.code:
            raise BusyError(zh, en, retry_after=retry_after or 1)
        raise EngineError(zh, en)


def line(said: BaseModel) -> bytes:
    """Return ``said`` as it goes over the socket."""
    return said.model_dump_json(exclude_defaults=True).encode() + b"\n"


def chat(messages: Sequence[Any]) -> list[dict[Literal["role", "content"], str]]:
    """Return a chat as plain dictionaries."""
    return [{"role": each["role"], "content": each["content"]} for each in messages]
