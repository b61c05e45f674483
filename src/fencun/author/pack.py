"""A scenario as one ZIP file: to be taken away, and brought back, looked at before it counts."""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from fencun import files
from fencun.errors import FencunError, ScenarioError
from fencun.gates import Gates
from fencun.home import own_scenarios_dir, scenarios_dir
from fencun.mistakes import of_bytes
from fencun.prompt import instructions
from fencun.scenario import Scenario, load_scenario, scenario_names
from fencun.scenario.inherit import EXTENDS
from fencun.scenario.load import YAML_LOADER
from fencun.scenario.places import FILE

MAX_BYTES = 8 << 20  # of the ZIP file
_MAX_WHOLE = 32 << 20  # of all that is in it
_MAX_YAML = 1 << 20
_MAX_FILES = 200
_DEEPEST = 32
_TEXT = frozenset({".yaml", ".yml", ".md", ".txt", ".jsonl", ".json"})
# What a ZIP file whose bytes were changed raises: of its own, of what unpacks it, of its names.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, RuntimeError,
    NotImplementedError, EOFError, UnicodeError,
)  # fmt: skip
_FOLDERS = frozenset({"", "dataset", "tact"})
_BESIDE = ("prompt", "tact_model")  # keys that may name a file of the scenario's own


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came of a ZIP file: where it lies now, and the files in it that were left out."""

    scenario: Scenario
    left_out: tuple[str, ...]


def pack(scenario: Scenario) -> bytes:
    """Return the texts of ``scenario`` as a ZIP file; adapters, studies and the like stay here."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _texts(scenario.folder):
            name = path.relative_to(scenario.folder).as_posix()
            archive.write(path, f"{scenario.name}/{name}")
    return packed.getvalue()


def unpack(data: bytes, *, at: Scenario | None = None, replace: bool = False) -> Unpacked:
    """Take the scenario in the ZIP file ``data`` among one's own.

    It is read as a whole in a place of its own first: where anything is wrong, nothing that stands
    is touched. ``at`` is the scenario that it may replace wherever that lies, if it has its name;
    what is there already is replaced only with ``replace``, file by file, ``scenario.yaml`` last,
    and files that are not in the ZIP file stay.

    Raises:
        FencunError: it is no ZIP file, too large, holds no scenario, or one that cannot be read;
            or there is one of that name.
    """
    found, left_out = _read(data)
    _refuse_foreign(found[FILE])
    with TemporaryDirectory() as folder:
        for name, text in found.items():
            files.write_bytes(Path(folder) / name, text)
        name = _tried(Path(folder))
    target = _target(name, at, replace=replace)
    for name in sorted(found, key=lambda each: each == FILE):
        files.write_bytes(target / name, found[name])
    return Unpacked(load_scenario(target), left_out)


def _texts(folder: Path) -> Iterator[Path]:
    for inside in sorted(_FOLDERS):
        for path in sorted((folder / inside).glob("*")):
            if path.suffix in _TEXT and path.is_file() and not path.name.startswith("."):
                yield path


def _read(data: bytes) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return the files of the scenario by where they lie in its folder, and what else there is."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not _is_chaff(entry)]
            if len(entries) > _MAX_FILES or sum(each.file_size for each in entries) > _MAX_WHOLE:
                raise _refused(
                    f"里面的东西太多：最多 {_MAX_FILES} 个文件，合起来 {_MAX_WHOLE >> 20} MB",
                    f"it holds too much: at most {_MAX_FILES} files, {_MAX_WHOLE >> 20} MB in all",
                )
            top = _top(entries)
            texts: dict[str, bytes] = {}
            left_out = []
            for entry in entries:
                path = PurePosixPath(entry.filename)
                inside = path.relative_to(top) if path.is_relative_to(top) else None
                if inside is None or not _is_text(inside):
                    left_out.append(entry.filename)
                    continue
                texts[str(inside)] = _text(archive, entry)
    except _BROKEN as error:
        raise _refused(
            "不是能打开的 ZIP；把场景的文件夹压缩成一个 ZIP 再传",
            "it is no ZIP file that can be opened; compress the folder of the scenario into one",
        ) from error
    return texts, tuple(left_out)


def _is_chaff(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a folder, or what systems put into ZIP files unasked."""
    return entry.is_dir() or any(
        (part.startswith(".") and part != "..") or part == "__MACOSX"
        for part in PurePosixPath(entry.filename).parts
    )


def _top(entries: list[zipfile.ZipInfo]) -> PurePosixPath:
    """Return the folder in the ZIP file that the scenario lies in."""
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
            raise _refused(
                f"里面有个文件名不在文件夹里：{entry.filename[:80]}",
                f"a name in it points outside: {entry.filename[:80]}",
            )
    found = [PurePosixPath(each.filename) for each in entries]
    holding = {path.parent for path in found if path.name == FILE}
    highest = min((len(folder.parts) for folder in holding), default=0)
    tops = sorted(folder for folder in holding if len(folder.parts) == highest)
    if len(tops) != 1:
        raise _refused(
            f"里面要有一个 {FILE}，现在有 {len(tops)} 个",
            f"it must hold one {FILE}; it holds {len(tops)}",
        )
    return tops[0]


def _is_text(path: PurePosixPath) -> bool:
    folder = "" if len(path.parts) == 1 else path.parts[0]
    return len(path.parts) <= 2 and folder in _FOLDERS and path.suffix in _TEXT


def _text(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if PurePosixPath(entry.filename).name == FILE and entry.file_size > _MAX_YAML:
        raise _refused(f"{FILE} 太大，最多 1 MB", f"{FILE} is too large: at most 1 MB")
    with archive.open(entry) as file:
        text = file.read(entry.file_size + 1)
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        zh, en = of_bytes(text)
        raise _refused(f"{entry.filename} {zh}", f"{entry.filename} {en}") from error
    return text


def _refuse_foreign(text: bytes) -> None:
    """Refuse YAML that grows when it is read, or that reaches for files that are not its own."""
    depth = 0
    try:
        for event in yaml.parse(text, YAML_LOADER):
            if isinstance(event, yaml.AliasEvent):
                raise _refused(
                    f"{FILE} 里用了 YAML 的引用（*名字），写出来就好",
                    f"{FILE} uses aliases of YAML (*name); write them out",
                )
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise _refused(f"{FILE} 套得太深", f"{FILE} is nested too deeply")
        declared: Any = yaml.load(text, YAML_LOADER)
    except (yaml.YAMLError, ValueError):
        return  # told with its line when it is read
    if not isinstance(declared, Mapping):
        return
    parent = declared.get(EXTENDS)
    if parent is not None and parent not in scenario_names():
        raise _refused(
            f"extends 说的“{str(parent)[:60]}”这里没有；可以是 {'、'.join(scenario_names())}",
            f"it extends {str(parent)[:60]!r}; here it may be {', '.join(scenario_names())}",
        )
    for key in _BESIDE:
        path = PurePosixPath(str(declared.get(key) or ""))
        if path.is_absolute() or ".." in path.parts:
            raise _refused(
                f"{key} 指到了文件夹外面：{str(path)[:60]}",
                f"its {key} points outside: {str(path)[:60]}",
            )


def _tried(folder: Path) -> str:
    """Return the name of the scenario in ``folder`` once it has been read whole."""
    try:
        scenario = load_scenario(folder)
        instructions(scenario)
        Gates(scenario)
        scenario.topics_in("")
    except ScenarioError as error:
        place = f"{folder.resolve()}/"
        raise ScenarioError(error.zh.replace(place, ""), error.en.replace(place, "")) from error
    return scenario.name


def _target(name: str, at: Scenario | None, *, replace: bool) -> Path:
    """Return where the scenario ``name`` goes."""
    own = own_scenarios_dir() / name
    folder = at.folder if at and at.name == name else own
    if scenarios_dir() in folder.parents or (folder == own and (scenarios_dir() / name).exists()):
        raise FencunError(
            f"{name} 是分寸自带的，不能换掉；把 scenario.yaml 的 name 改成别的再传。",
            f"{name} ships with Fencun and is not replaced; change name in scenario.yaml.",
        )
    if (folder / FILE).exists() and not replace:
        raise FencunError(
            f"已经有一个叫 {name} 的场景，没有动它。要换掉，勾上“换掉同名的”；"
            "不换，就给 scenario.yaml 的 name 改个名字。",
            f"There is a scenario called {name} already, which was left alone. To replace it, say "
            "so; else change name in scenario.yaml.",
        )
    return folder


def _refused(zh: str, en: str) -> FencunError:
    return FencunError(
        f"这个文件没有收下，原来的都没动：{zh}。", f"Not taken, nothing was changed: {en}."
    )
