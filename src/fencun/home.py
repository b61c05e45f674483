"""Where things live on this machine: models, runs and the store under ``FENCUN_HOME``."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def home() -> Path:
    """Return ``FENCUN_HOME`` (default ``~/.cache/fencun``); not created here."""
    return Path(os.environ.get("FENCUN_HOME") or Path.home() / ".cache" / "fencun").expanduser()


def models_dir() -> Path:
    """Return the folder that holds fetched base models."""
    return home() / "models"


def runs_dir() -> Path:
    """Return the folder that holds breeding, tuning and evaluation runs."""
    return home() / "runs"


def scenarios_dir() -> Path:
    """Return the folder of the shipped scenarios: inside the wheel, or of this checkout."""
    shipped = PACKAGE / "scenarios"
    return shipped if shipped.is_dir() else PACKAGE.parents[1] / "scenarios"


def own_scenarios_dir() -> Path:
    """Return the folder of the scenarios made on this machine."""
    return home() / "scenarios"
