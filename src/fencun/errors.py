"""What a user may read: one error, and a few children that callers tell apart.

Each carries its sentence in Chinese and in English: what is wrong, where, and
what to do next. Anything that is not a :class:`FencunError` is a bug: it is
logged and shown generically.
"""

from typing import ClassVar

from fencun.language import say


class FencunError(Exception):
    """An error whose text is meant for the user.

    ``code`` is stable and machine-readable; ``status`` is the HTTP status that
    an API answers with; ``retry_after`` is in seconds, where waiting helps.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    retry_after: int | None = None

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.zh = zh
        self.en = en

    def __str__(self) -> str:
        return say(self.zh, self.en)


class ScenarioError(FencunError):
    """A scenario file is malformed, or no such scenario exists."""

    code = "scenario"


class BriefError(FencunError):
    """A request does not fit the scenario. ``field`` names the dimension at fault."""

    code = "brief"
    status = 422

    def __init__(self, zh: str, en: str, *, field: str | None = None) -> None:
        super().__init__(zh, en)
        self.field = field


class RecordError(FencunError):
    """A line of a data file cannot be read. ``line`` is 1-based; None where no line applies."""

    code = "record"
    status = 422

    def __init__(self, zh: str, en: str, *, line: int | None = None) -> None:
        super().__init__(zh, en)
        self.line = line


class ModelError(FencunError):
    """No such model, not fetched yet, or its file is not what the catalog pins."""

    code = "model"
    status = 404


class FetchError(FencunError):
    """A download failed: no source answered, the disk is full, the hash is wrong."""

    code = "fetch"
    status = 502


class EngineError(FencunError):
    """The engine died, refused, or answered nonsense while a request was under way."""

    code = "engine"
    status = 502


class BusyError(FencunError):
    """The bounded queue is full: come back in ``retry_after`` seconds."""

    code = "busy"
    status = 429

    def __init__(self, zh: str, en: str, *, retry_after: int) -> None:
        super().__init__(zh, en)
        self.retry_after = retry_after


class StoreError(FencunError):
    """The database cannot be opened, is newer than this program, or refused a write."""

    code = "store"
    status = 500
