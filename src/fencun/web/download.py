"""Downloads: rows as a JSON Lines file."""

from collections.abc import Iterable

from starlette.responses import Response

from fencun.files import Json, dump_line


def jsonl(name: str, rows: Iterable[Json]) -> Response:
    """Return ``rows`` as a file called ``name`` (ASCII), one a line, as the command line reads."""
    return Response(
        b"".join(map(dump_line, rows)),
        media_type="application/jsonl; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
