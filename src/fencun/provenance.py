"""What ran and when: versions, the git revision and the moment, as every manifest tells them."""

import importlib.metadata
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime

from fencun.home import PACKAGE


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python, of this package, and of ``packages`` where they are there."""
    found = {"python": platform.python_version()}
    for name in ("fencun", *packages):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def revision() -> str:
    """Return the git revision of this checkout, ``+`` behind it where files differ; else empty."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(PACKAGE), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        head = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", str(PACKAGE))
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{head}+" if head and changed else head


def timestamp() -> str:
    """Return this moment in UTC as ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
