"""The manifest of a study: written last, it pins the frozen files, and says what answered."""

import platform
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from fencun import __version__
from fencun.errors import FencunError
from fencun.files import Json, sha256_file, write_json
from fencun.provenance import revision, versions

MANIFEST = "manifest.json"
_PACKAGES = ("xllamacpp", "numpy", "scipy", "choix", "krippendorff")  # that answer or count


class Environment(BaseModel):
    """What ran: versions of the program and of the packages that answer or count."""

    model_config = ConfigDict(frozen=True, extra="allow")

    fencun: str
    python: str
    machine: str
    packages: dict[str, str | None]


class Manifest(BaseModel):
    """``files`` maps each frozen file to its hash, ``missing`` an arm to what it did not answer."""

    model_config = ConfigDict(frozen=True, extra="allow")

    study: str
    frozen: str
    fingerprint: str
    rules: str
    files: dict[str, str]
    environment: Environment
    missing: dict[str, list[str]] = {}


def environment() -> Json:
    """Return what runs now, as a manifest tells it."""
    found = versions(_PACKAGES)
    return {
        "fencun": found.pop("fencun", __version__),
        "python": found.pop("python"),
        "machine": platform.machine(),
        "packages": found,
        "revision": revision(),
    }


def write_manifest(folder: Path, told: Mapping[str, object], files: tuple[str, ...]) -> None:
    """Write what is ``told`` of a study, and the hashes of its ``files`` as they are now."""
    pinned = {name: sha256_file(folder / name) for name in files}
    write_json(folder / MANIFEST, {**told, "files": pinned, "environment": environment()})


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of the study in ``folder``.

    Raises:
        FencunError: it cannot be read, or is none.
    """
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise _unusable(folder / MANIFEST) from error


def check_files(folder: Path, fingerprint: str, files: tuple[str, ...]) -> None:
    """Raise :class:`FencunError` if the ``files`` or the registration are not those pinned."""
    manifest = read_manifest(folder)
    if manifest.fingerprint != fingerprint:
        raise _unusable(folder / MANIFEST)
    for name in files:
        path = folder / name
        if not path.is_file() or sha256_file(path) != manifest.files.get(name):
            raise _unusable(path)


def _unusable(path: Path) -> FencunError:
    return FencunError(
        f"{path} 在冻结之后被改过，这个实验不能再用。",
        f"{path} was changed after it was frozen; this study can no longer be used.",
    )
