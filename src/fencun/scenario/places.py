"""Where scenarios lie, and which one is meant where none is named."""

from collections.abc import Iterator
from pathlib import Path

from fencun import files
from fencun.home import home, own_scenarios_dir, scenarios_dir

FILE = "scenario.yaml"
SHIPPED = "spring_festival"  # what is meant where nobody chose anything


def scenario_names() -> list[str]:
    """Return the names of the scenarios of this machine: the shipped ones, then one's own."""
    shipped, own = ({path.parent.name for path in f.glob(f"*/{FILE}")} for f in _homes())
    return [*sorted(shipped), *sorted(own - shipped)]


def find(source: str | Path = "") -> Path:
    """Return the YAML file of ``source``: a name, a folder or a file; empty is the one in use.

    A folder here that holds one comes first, then what is called so, then any folder here.
    The file need not be there.
    """
    path = Path(source or in_use()).expanduser()
    if path.name == str(path) and not _holds(path):
        path = at_home(path) or (path if path.is_dir() else scenarios_dir() / path)
    named = path.suffix in (".yaml", ".yml") and not path.is_dir()
    return (path if named else path / FILE).resolve()


def in_use() -> str:
    """Return what is meant where no scenario is named.

    The nearest ``scenario.yaml`` at or above the working folder, else what :func:`use` chose,
    else the flagship.
    """
    try:
        if nearest := next(_above(Path.cwd()), None):
            return str(nearest)
    except OSError:  # the working folder is gone
        pass
    try:
        return _choice().read_text(encoding="utf-8").strip() or SHIPPED
    except (OSError, UnicodeDecodeError):
        return SHIPPED


def at_home(name: str | Path) -> Path | None:
    """Return the folder of the scenario called ``name``, the shipped one first; None for none."""
    return next((place for f in _homes() if _holds(place := f / name)), None)


def use(folder: Path) -> str:
    """Let the scenario in ``folder`` be meant from now on; return how it is called."""
    chosen = reference(folder)
    files.write_text(_choice(), f"{chosen}\n")
    return chosen


def reference(folder: Path) -> str:
    """Return how a scenario is told in a command or a file: its name, or else its folder."""
    folder = folder.resolve()
    named = at_home(folder.name)
    return folder.name if named and named.resolve() == folder else str(folder)


def flag(folder: Path) -> str:
    """Return `` --scenario …`` as a hint must add it; empty where that scenario is meant anyway."""
    import shlex

    if find().parent == folder.resolve():
        return ""
    return f" --scenario {shlex.quote(reference(folder))}"


def _holds(path: Path) -> bool:
    return path.is_file() or (path / FILE).is_file()


def _above(folder: Path) -> Iterator[Path]:
    """Yield the folders at and above ``folder`` that hold a scenario, the nearest first."""
    return (place for place in (folder, *folder.parents) if (place / FILE).is_file())


def _choice() -> Path:
    return home() / "scenario"


def _homes() -> tuple[Path, Path]:
    return scenarios_dir(), own_scenarios_dir()
