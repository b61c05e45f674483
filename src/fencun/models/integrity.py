"""Whether a file is still what it was recorded to be: hashed once, and again when it has changed.

What was found out is remembered by inode, size and times, so that opening a model costs no
second reading of a gigabyte.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from fencun import files
from fencun.errors import FencunError, ModelError
from fencun.home import models_dir

_FILE = ".verified.json"
_MANY = 200


def require_hash(path: Path, sha256: str, mend: tuple[str, str]) -> None:
    """Refuse a file whose SHA-256 is not ``sha256``; ``mend`` says what to do, in zh and en.

    Raises:
        ModelError: it is another one, or cannot be read.
    """
    got = hash_of(path)
    if got != sha256:
        raise ModelError(
            f"{path} 和记录的哈希对不上，可能损坏或被改过：应为 {sha256}，现在是 {got}。{mend[0]}",
            f"{path} is not what was recorded, it may be damaged or changed: {sha256} expected, "
            f"{got} found. {mend[1]}",
        )


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file; remembered as long as the file is not touched.

    Raises:
        ModelError: it cannot be read.
    """
    return str(_remembered(path, "sha256", lambda: files.sha256_file(path)))


def note_hash(path: Path, sha256: str) -> None:
    """Remember the hash of a file that has just been written and read."""
    _remembered(path, "sha256", lambda: sha256)


def require_sound(path: Path, check: Callable[[Path], None]) -> None:
    """Have ``check`` look at a file, once as long as it is not touched; raises what it raises."""

    def sound() -> bool:
        check(path)
        return True

    _remembered(path, "sound", sound)


def _remembered(path: Path, what: str, find: Callable[[], Any]) -> Any:
    try:
        now = stamp(path)
        known = _known()
        entry = known.get(str(path.resolve()), {})
        if entry.get("stamp") == now and what in entry:
            return entry[what]
        found = find()
        kept = entry if entry.get("stamp") == now else {}
        if stamp(path) == now:  # or it was written while it was read
            known[str(path.resolve())] = {**kept, "stamp": now, what: found}
            with suppress(FencunError):  # a folder that cannot be written costs time only
                files.write_json(models_dir() / _FILE, dict([*known.items()][-_MANY:]))
    except OSError as error:
        raise ModelError(
            f"打不开 {path}：{error.strerror}。", f"Cannot open {path}: {error.strerror}."
        ) from error
    return found


def stamp(path: Path) -> list[int]:
    """Return what changes when a file does: device, inode, size and times."""
    status = path.stat()
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _known() -> dict[str, dict[str, Any]]:
    try:
        known = json.loads((models_dir() / _FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {path: entry for path, entry in known.items() if isinstance(entry, dict)}
