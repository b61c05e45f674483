"""Whether the one who hosts asks: from this machine, under one of its own names."""

from fastapi import Request

_LOOPBACK = ("127.0.0.1", "::1", "localhost", "testclient")


def at_home(request: Request) -> bool:
    """Whether ``request`` comes from this machine; others may write, but not run programs."""
    client = request.client.host if request.client else ""
    return client in _LOOPBACK and (request.url.hostname or "") in _LOOPBACK
