"""How connections are kept: uvicorn's HTTP/1.1, and who neither sends nor reads is let go.

uvicorn has no deadline for a request's head, none for a reader who stops reading, and when there
are too many connections it refuses the next one, whoever that is. Deadlines for bodies are in
``guard.py``, where they can be answered.
"""

import resource
from collections import Counter
from contextlib import suppress

import h11
from fastapi import FastAPI
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 400

_HEAD_S = 8.0  # for the whole head of a request
_READ_S = 30.0  # for a reader to take what waits for it
_LOOK_S = 1.0
_FILES = 4096


class PatientProtocol(H11Protocol):
    """One connection. When there are too many, the longest waiting one of its address gives way.

    The address is the one with the most connections. Only connections that we wait for give way:
    that send no request, or only part of one.
    """

    def connection_made(self, transport: object) -> None:
        """Make room if there are too many, and begin to watch."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._since = self.loop.time()
        self._paused_at: float | None = None
        self._watch = self.loop.call_later(_LOOK_S, self._look)
        if len(self.connections) >= (self.limit_concurrency or MOST_CONNECTIONS):
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self._watch.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Note since when the reader has taken nothing."""
        self._paused_at = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The reader reads on."""
        self._paused_at = None
        super().resume_writing()

    @property
    def waiting_since(self) -> float | None:
        """Since when we wait for a whole request; None while one is being answered."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering and self.conn.their_state is not h11.SEND_BODY:
            return None
        return self._since

    def _look(self) -> None:
        now = self.loop.time()
        stuck = self._paused_at is not None and now - self._paused_at > _READ_S
        answering = self.cycle is not None and not self.cycle.response_complete
        if stuck or (not answering and now - self._since > _HEAD_S):
            self.transport.abort()
            return
        self._watch = self.loop.call_later(_LOOK_S, self._look)

    def _make_room(self) -> None:
        waiting = [
            each
            for each in self.connections
            if isinstance(each, PatientProtocol) and each is not self
            if each.waiting_since is not None and not each.transport.is_closing()
        ]
        if waiting:
            many = Counter(each.client[0] if each.client else "" for each in waiting)
            busiest = many.most_common(1)[0][0]
            of_one = [each for each in waiting if (each.client or ("",))[0] == busiest]
            longest = min(of_one, key=lambda each: each.waiting_since or 0.0)
            self.connections.discard(longest)
            longest.transport.abort()


def server_config(
    web: FastAPI, *, connections: int = MOST_CONNECTIONS, grace_s: int = 10
) -> Config:
    """Return how ``web`` is served: at most so many connections, and files enough for them.

    When told to stop, requests under way get ``grace_s`` seconds to finish.
    """
    with suppress(OSError, ValueError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    return Config(
        web, log_level="warning", lifespan="off", timeout_graceful_shutdown=grace_s,
        server_header=False, log_config=None, http=PatientProtocol, limit_concurrency=connections,
    )  # fmt: skip
