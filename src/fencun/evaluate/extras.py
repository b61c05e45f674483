"""What counting votes needs besides the program itself."""

from importlib.util import find_spec

from fencun.errors import FencunError

_PACKAGES = ("numpy", "scipy", "choix", "krippendorff")


def need_statistics() -> None:
    """Raise :class:`FencunError` where the packages that count votes are not installed."""
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise FencunError(
            f"数票要用 {'、'.join(missing)}；请先装：pip install 'fencun[evaluate]'。",
            f"Counting votes needs {', '.join(missing)}: pip install 'fencun[evaluate]'.",
        )
