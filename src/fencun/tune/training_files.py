"""Which files a run learns from where none are named: those of the scenario that suit the base."""

from pathlib import Path

from fencun.errors import FencunError
from fencun.scenario import Scenario, flag
from fencun.tune.base import TunableBase
from fencun.tune.config import DATASET, PLAIN, TuneConfig
from fencun.tune.forward.decoder import Shape

# Up to three billion parameters or so: such a model takes over a voice, not its leaps.
_SMALL = 2.5e9


def data_of(config: TuneConfig, scenario: Scenario, base: TunableBase) -> str:
    """Return the folder of the scenario that ``base`` learns from, see :class:`TuneConfig`."""
    if names_data(config):
        return config.data or DATASET
    shape = Shape.read(base.folder)
    small = 12 * shape.layers * shape.hidden**2 < _SMALL  # about the weights of its blocks
    return PLAIN if small and (scenario.folder / PLAIN).is_dir() else DATASET


def names_data(config: TuneConfig) -> bool:
    """Whether ``config`` says by itself which files are learnt from."""
    return bool(config.data or config.train or config.validation)


def data_files(config: TuneConfig, scenario: Scenario) -> tuple[Path, Path]:
    """Return the training and the validation file; by default those of the scenario.

    Raises:
        FencunError: one of them is not there.
    """
    folder = scenario.folder / (config.data or DATASET)
    train = Path(config.train) if config.train else folder / "train.jsonl"
    validation = Path(config.validation) if config.validation else folder / "validation.jsonl"
    for path in (train, validation):
        if not path.is_file():
            build = f"fencun data build{flag(scenario.folder)}"
            raise FencunError(
                f"没有数据文件 {path}；先运行 {build}，或用 --train、--validation 指定。",
                f"There is no data file {path}; run {build} first, "
                "or name one with --train and --validation.",
            )
    return train, validation
