"""The dataset in the forms that trainers read; the prompt is made by the code that serves."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, get_args

from fencun.data.chats import chat, dataset_info, turns
from fencun.data.dataset import read_manifest
from fencun.data.lines import iterate_lines
from fencun.data.split import PARTS
from fencun.errors import FencunError
from fencun.files import Json, sha256_file, write_json, write_jsonl
from fencun.records import Sample
from fencun.scenario import Scenario

Format = Literal["alpaca", "sharegpt", "openai", "trl", "llamafactory"]
FORMATS: tuple[Format, ...] = get_args(Format)
NAME = "fencun"
_INDEX = "dataset_info.json"
_MANIFEST = "export.json"


def _alpaca(scenario: Scenario, sample: Sample) -> Json:
    (turn,) = turns(scenario, sample)
    return {"instruction": turn["content"], "input": "", "output": sample.text}


def _sharegpt(scenario: Scenario, sample: Sample) -> Json:
    (turn,) = turns(scenario, sample)
    asked = {"from": "human", "value": turn["content"]}
    return {"conversations": [asked, {"from": "gpt", "value": sample.text}]}


def _trl(scenario: Scenario, sample: Sample) -> Json:
    answer = {"role": "assistant", "content": sample.text}
    return {"prompt": turns(scenario, sample), "completion": [answer]}


_ROWS: dict[Format, Callable[[Scenario, Sample], Json]] = {
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "openai": chat,
    "trl": _trl,
    "llamafactory": chat,
}
_AS_ARRAY: frozenset[Format] = frozenset({"alpaca", "sharegpt", "llamafactory"})


def rows(scenario: Scenario, samples: Iterable[Sample], form: Format) -> list[Json]:
    """Return ``samples`` as rows of ``form``.

    ``alpaca`` has instruction, input and output; ``sharegpt`` conversations of from and value;
    ``openai`` messages; ``trl`` prompt and completion, so that only the answer is learnt.
    """
    return [_ROWS[form](scenario, sample) for sample in samples]


def export(scenario: Scenario, dataset: Path, folder: Path, form: Format) -> Json:
    """Write every part of ``dataset`` to ``folder`` as ``form``; return what was written.

    The index (``dataset_info.json`` for ``llamafactory``, else ``export.json``) comes last.

    Raises:
        RecordError: the dataset is not whole, or was changed by hand.
        FencunError: ``folder`` is the dataset itself.
    """
    manifest = read_manifest(dataset)
    if folder.resolve() == dataset.resolve():
        raise FencunError(
            "导出的文件夹不能就是数据集自己；请换一个 --out。",
            "The export may not go into the dataset itself; choose another --out.",
        )
    written: dict[str, Any] = {}
    for part in PARTS:
        made = rows(scenario, _samples(scenario, dataset / f"{part}.jsonl"), form)
        path = folder / _file_name(part, form)
        if form in _AS_ARRAY:
            write_json(path, made)
        else:
            write_jsonl(path, made)
        written[path.name] = {"lines": len(made), "sha256": sha256_file(path)}
    if form == "llamafactory":
        write_json(folder / _INDEX, dataset_info(name.removesuffix(".json") for name in written))
    index: Json = {"format": form, "scenario": scenario.name, "files": written}
    index["dataset"] = {name: entry["sha256"] for name, entry in manifest["files"].items()}
    if form != "llamafactory":
        write_json(folder / _MANIFEST, index)
    return index


def _file_name(part: str, form: Format) -> str:
    if form == "llamafactory":
        return f"{NAME}.json" if part == "train" else f"{NAME}_{part}.json"
    return f"{part}.json" if form in _AS_ARRAY else f"{part}.jsonl"


def _samples(scenario: Scenario, path: Path) -> list[Sample]:
    samples = []
    for entry in iterate_lines(path, scenario):
        record = getattr(entry, "record", None)
        if not isinstance(record, Sample):
            raise getattr(entry, "error", None) or FencunError(
                f"{path} 里有不是样本的行。", f"{path} holds a line that is no sample."
            )
        samples.append(record)
    return samples
