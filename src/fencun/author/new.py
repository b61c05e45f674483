"""``fencun scenario new``: a folder to begin with, every file of it meant to be overwritten."""

import re
import shlex
from pathlib import Path

from fencun import files
from fencun.errors import FencunError
from fencun.home import own_scenarios_dir
from fencun.scenario import load_scenario, scenario_names
from fencun.scenario.model import NAME
from fencun.scenario.places import FILE

TEMPLATES = Path(__file__).parent / "templates"
_NAME, _TITLE = "__NAME__", "__TITLE__"


def kinds() -> list[str]:
    """Return what there is to begin from."""
    return sorted(path.name for path in TEMPLATES.iterdir() if path.is_dir())


def make(name: str, kind: str = "blank", *, title: str = "", folder: Path | None = None) -> Path:
    """Write a new scenario called ``name`` and return its folder.

    It is made in ``folder`` / ``name``, by default among one's own (``FENCUN_HOME/scenarios``).
    ``title`` is what people read (default: the name). ``scenario.yaml`` is written last.

    Raises:
        FencunError: the name will not do or is taken, or there is no such template.
    """
    if not re.fullmatch(NAME, name):
        raise FencunError(
            f"场景的名字“{name[:40]}”要用小写英文字母、数字和下划线，字母打头；"
            "人看的名字用 --title 写。",
            f"The name {name[:40]!r} takes lower-case letters, digits and underscores, beginning "
            "with a letter; what people read goes into --title.",
        )
    if kind not in kinds():
        raise FencunError(
            f"没有“{kind[:24]}”这个样板；可选：{'、'.join(kinds())}。",
            f"There is no template {kind[:24]!r}; choose from {', '.join(kinds())}.",
        )
    made = (folder or own_scenarios_dir()) / name
    if made.exists() or (folder is None and name in scenario_names()):
        raise _taken(name, made)
    sources = sorted((TEMPLATES / kind).iterdir(), key=lambda path: path.name == "scenario.yaml")
    for source in sources:
        text = source.read_text(encoding="utf-8")
        text = text.replace(_NAME, name).replace(_TITLE, title or name)
        files.write_text(made / source.name, text)
    load_scenario(made)
    return made


def _taken(name: str, made: Path) -> FencunError:
    """Say what is there already, and what to do."""
    if made.exists() and not (made / FILE).exists():
        kind = ("文件夹", "folder") if made.is_dir() else ("文件", "file")
        return FencunError(
            f"已经有一个叫 {name} 的{kind[0]}（{made}），不是场景，没有动它；"
            "换个名字，或者用 --out 换个地方。",
            f"There is a {kind[1]} called {name} already ({made}), no scenario, which was left "
            "alone; take another name, or another place with --out.",
        )
    where = shlex.quote(str(made if made.exists() else name))
    return FencunError(
        f"已经有一个叫 {name} 的场景，没有动它；换个名字，要用它就 fencun scenario use {where}",
        f"There is a scenario called {name} already, which was left alone; take another name, "
        f"or let it be the one meant: fencun scenario use {where}",
    )
