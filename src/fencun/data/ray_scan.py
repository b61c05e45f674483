"""A check's lines over a Ray cluster: workers read, gate and compare them as one process would.

Near-duplicates come from groups of lines that share an LSH bucket, directly or by way of others
(Ray groups the bands): between two groups nothing is compared, so each is looked through by itself.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple
from datetime import date
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fencun import __version__
from fencun.data.gate_cache import GateCache
from fencun.data.likeness import Alike, band_keys, near_duplicates
from fencun.data.lines import Line, Tell, lines_of
from fencun.data.scan import Seen, unusable
from fencun.errors import FencunError
from fencun.files import parse_jsonl, sha256_file, sha256_json
from fencun.gates import Finding
from fencun.ray_cluster import Row, require_same, spread
from fencun.scenario import Scenario, load_scenario

_BLOCK = 1 << 18  # bytes of lines that a worker is given at once
_TEXTS = 20_000  # the like for comparing


class RayScan:
    """See :class:`fencun.data.scan.Scan`; to be used inside :func:`fencun.ray_cluster.cluster`."""

    def __init__(
        self,
        scenario: Scenario,
        files: Sequence[Path],
        *,
        block: int = _BLOCK,
        texts: int = _TEXTS,
    ) -> None:
        """Take how many bytes of lines, and how many texts, a worker is given at once."""
        self._files = files
        self._block = block
        self._texts = texts
        self._settings: dict[str, Any] = {
            "folder": str(scenario.folder.resolve()), "name": scenario.name,
            "digest": _digest(scenario), "version": __version__, "today": date.today().isoformat(),
        }  # fmt: skip
        self._found: dict[int, list[Finding]] = {}

    def seen(self, tell: Tell | None = None) -> Iterator[Seen]:
        """See :class:`fencun.data.scan.Scan`; what the gates find is remembered."""
        self._found = {}
        for at, (seen, findings) in enumerate(self._examined(_chunks(self._files, self._block))):
            if findings:
                self._found[at] = findings
            if tell and at % 1000 == 0:
                tell(at, 0)
            yield seen

    def findings(
        self, seen: Sequence[Seen], tell: Tell | None = None
    ) -> Iterator[Sequence[Finding]]:
        """See :class:`fencun.data.scan.Scan`."""
        return (self._found.get(at, ()) for at in range(len(seen)))

    def judged(self, lines: Sequence[Line]) -> Iterator[Sequence[Finding]]:
        """See :class:`fencun.data.scan.Scan`."""
        rows = (json.dumps(line.record.to_row(), ensure_ascii=False) for line in lines)
        raw = (f"{row}\n".encode() for row in rows)
        return (findings for _, findings in self._examined(_packed(raw, self._block)))

    def _examined(self, rows: Iterable[Row]) -> Iterator[tuple[Seen, list[Finding]]]:
        for told in spread(_examine, rows, **self._settings):
            for seen, findings in json.loads(told["lines"]):
                yield Seen(*seen), [Finding(**finding) for finding in findings]

    def near(self, texts: Sequence[str]) -> Sequence[Alike]:
        """See :class:`fencun.data.scan.Scan`."""
        if len(texts) <= self._texts:
            return near_duplicates(texts, once=True)
        groups = _groups(texts, self._texts)
        found = []
        rows = ({"at": group, "texts": [texts[at] for at in group]} for group in groups)
        for pairs in spread(_compare, rows):
            columns = (pairs["earlier"], pairs["later"], pairs["degree"])
            found += [Alike(*pair) for pair in zip(*columns, strict=True)]
        return sorted(found, key=lambda pair: pair.later)


def _chunks(files: Sequence[Path], size: int) -> Iterator[Row]:
    """Yield the lines of ``files`` in blocks of about ``size`` bytes, none of two files."""
    for file, path in enumerate(files):
        try:
            with path.open("rb") as lines:
                yield from _packed(lines, size, file)
        except OSError as error:
            raise FencunError(
                f"打不开 {path}：{error.strerror}。", f"Cannot open {path}: {error.strerror}."
            ) from error


def _packed(lines: Iterable[bytes], size: int, file: int = 0) -> Iterator[Row]:
    first, held, length = 1, list[bytes](), 0
    for line in lines:
        held.append(line)
        length += len(line)
        if length >= size:
            yield {"file": file, "first": first, "raw": b"".join(held)}
            first, held, length = first + len(held), [], 0
    if held:
        yield {"file": file, "first": first, "raw": b"".join(held)}


def _examine(row: Row, **settings: str) -> Row:
    """Return, for every line of a block, what is remembered of it and what the gates find."""
    scenario, judge = _judge(**settings)
    told = []
    rows = parse_jsonl(BytesIO(row["raw"]), row["first"])
    for line in lines_of(rows, "", scenario):
        seen = Seen.of(row["file"], line)
        findings = judge(line) if isinstance(line, Line) else [unusable(line.error)]
        told.append((astuple(seen), [asdict(finding) for finding in findings]))
    return {"lines": json.dumps(told, ensure_ascii=False)}


@lru_cache(maxsize=2)
def _judge(
    folder: str, name: str, digest: str, version: str, today: str
) -> tuple[Scenario, GateCache]:
    """Return the scenario as the worker has it, and its gates; once a process.

    Raises:
        FencunError: it is not what it is where the work comes from.
    """
    require_same(version)
    scenario = load_scenario(folder if Path(folder).is_dir() else name)
    if _digest(scenario) != digest:
        raise FencunError(
            f"集群上的场景 {name} 和这里的不一样；把 {folder} 放到每台机器的同一个位置。",
            f"The scenario {name} differs on the cluster; put {folder} at the same place on "
            "every machine.",
        )
    return scenario, GateCache(scenario, today=date.fromisoformat(today))


def _digest(scenario: Scenario) -> str:
    """Return what tells this scenario, wherever it lies, from any other."""
    weights = sha256_file(scenario.folder / scenario.tact_model) if scenario.tact_model else ""
    return sha256_json([scenario.model_dump(mode="json", exclude={"folder"}), weights])


def _groups(texts: Sequence[str], size: int) -> Iterator[list[int]]:
    """Yield positions of lines to be compared, about ``size`` at a time, alone ones left out."""
    import pyarrow as pa
    import ray.data

    starts = range(0, len(texts), size)
    blocks = [
        pa.table({"at": range(start, min(start + size, len(texts))),
                  "text": texts[start : start + size]})
        for start in starts
    ]  # fmt: skip
    keyed = ray.data.from_arrow(blocks).map_batches(_keyed, batch_size=None, batch_format="pyarrow")
    ends = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
    for edges in (
        keyed.groupby("band")
        .map_groups(_edges, batch_format="numpy")
        .iter_batches(batch_size=None, batch_format="numpy")
    ):
        ends.append((edges["one"], edges["other"]))
    one, other = (np.concatenate(column) for column in zip(*ends, strict=True))
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), (len(texts),) * 2)
    _, labels = connected_components(graph, directed=False)
    held: list[int] = []
    order = np.argsort(labels, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        held += group.tolist() if len(group) > 1 else []
        if len(held) >= size:
            yield sorted(held)
            held = []
    if held:
        yield sorted(held)


def _keyed(block: Any) -> Any:
    """Return a row for every line and band: which bucket of the band it falls into."""
    import pyarrow as pa

    keys = band_keys(block["text"].to_pylist())
    count, bands = keys.shape
    at = np.repeat(np.asarray(block["at"], dtype=np.int64), bands)
    band = np.tile(np.arange(bands, dtype=np.int32), count)
    return pa.table({"band": band, "key": keys.ravel(), "at": at})


def _edges(group: dict[str, NDArray[Any]]) -> dict[str, NDArray[np.int64]]:
    """Return which lines of a band fall into one bucket: each with the next of its bucket."""
    order = np.lexsort((group["at"], group["key"]))
    at, key = group["at"][order], group["key"][order]
    same = np.flatnonzero(key[1:] == key[:-1])
    return {"one": at[same], "other": at[same + 1]}


def _compare(row: Row) -> Row:
    """Return the near-duplicates of a group of lines by their positions among all."""
    at = row["at"]
    pairs = near_duplicates(row["texts"], once=True)
    return {
        "earlier": [at[pair.earlier] for pair in pairs],
        "later": [at[pair.later] for pair in pairs],
        "degree": [pair.degree for pair in pairs],
    }
