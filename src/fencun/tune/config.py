"""Everything a run can be told, in one flat table; unknown keys are refused."""

import dataclasses
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from fencun.errors import FencunError

Preset = Literal["tiny", "quick", "full"]
DATASET, PLAIN = "dataset", "plain"  # the folders of a scenario that a run can learn from

_ON_CPU = 4  # half the memory of eight, at nearly the same speed


@dataclass(frozen=True)
class TuneConfig:
    """A tuning run. What is left 0 or empty is resolved from machine and data, and recorded.

    base: catalog name, path of a .gguf, or Hugging Face folder of the model to tune.
    scenario: name or folder, empty the one in use; train, validation: JSON Lines of samples.
    data: folder of the scenario that train and validation come from where they are not named;
        empty is ``plain`` for a small base, if the scenario has it, and ``dataset`` else.
    start: folder of a run or an adapter (one that ships, too) to go on from, of this rank and
        these layers; empty: a fresh one.
    layers: how many upper blocks are adapted; 0 is all of them. Blocks below run once a sample.
    rank, alpha: of the LoRA; its update is scaled by alpha / rank.
    rate: peak learning rate, annealed along a cosine to a tenth after ``warmup`` steps.
    batch: samples a step; micro: samples a forward pass (0: four on a CPU, on a GPU all).
    epochs: passes over the data; steps: number of steps, if not 0 it decides.
    minutes: time budget that limits the steps, measured before the first one; 0 is none.
    plain: train on this share of every audience and length, the plainest samples of each;
        the folder ``plain`` is taken whole.
    retrieve: show most samples the written lines nearest to their brief, to learn to adapt them:
        "auto" with the folder ``plain``, "on" or "off".
    limit: use only the first so many samples of the stratified order; 0 is all.
    clip: largest norm of the gradient; decay: AdamW weight decay.
    max_tokens: longer samples are left out, and named.
    int8: frozen products in 8-bit integers: "auto" where the CPU has units for them, "on" on
        any CPU, "off" never. through_prompt: gradients flow through the tokens of the prompt too,
        not only through those of the answer.
    vocabulary: "chinese" predicts only tokens of Chinese text and of the data; "all" any.
    threads: CPU threads; 0 is all cores.
    look: steps between looks; each look measures validation loss, writes the greetings of
        ``briefs`` validation briefs and asks the canary. checkpoint: steps between checkpoints.
    patience: looks without a better validation loss before the run stops.
    """

    base: str = ""
    scenario: str = ""
    train: str = ""
    validation: str = ""
    data: str = ""
    start: str = ""
    layers: int = 0
    rank: int = 8
    alpha: float = 16.0
    rate: float = 3e-4
    warmup: int = 8
    batch: int = 8
    micro: int = 0
    epochs: float = 1.0
    steps: int = 0
    minutes: float = 0.0
    plain: float = 1.0
    retrieve: Literal["auto", "on", "off"] = "auto"
    limit: int = 0
    clip: float = 1.0
    decay: float = 0.0
    seed: int = 0
    max_tokens: int = 512
    int8: Literal["auto", "on", "off"] = "auto"
    through_prompt: bool = False
    vocabulary: Literal["chinese", "all"] = "chinese"
    threads: int = 0
    look: int = 40
    briefs: int = 8
    validation_samples: int = 48
    checkpoint: int = 20
    patience: int = 3

    def __post_init__(self) -> None:
        for name, lowest in _LOWEST.items():
            value = getattr(self, name)
            if not value >= lowest:
                raise FencunError(
                    f"微调配置 {name} 是 {value}，至少要 {lowest}。",
                    f"Tuning option {name} is {value}; it must be at least {lowest}.",
                )

    def replaced(self, **changes: Any) -> "TuneConfig":
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    @property
    def edits(self) -> bool:
        """Whether samples are shown the written lines nearest to their brief, to adapt them."""
        return self.retrieve == "on" or (self.retrieve == "auto" and self.data == PLAIN)

    def at_once(self, device: str) -> int:
        """Return how many samples go through a forward pass on a ``device`` of torch."""
        return self.micro or (min(self.batch, _ON_CPU) if device == "cpu" else self.batch)

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return dataclasses.asdict(self)


_LOWEST: dict[str, float] = {
    "layers": 0, "rank": 1, "alpha": 0, "rate": 0, "warmup": 0, "batch": 1, "micro": 0,
    "epochs": 0, "steps": 0, "minutes": 0, "plain": 0, "limit": 0, "clip": 0, "decay": 0,
    "max_tokens": 8,
    "threads": 0, "look": 1, "briefs": 0, "validation_samples": 1, "checkpoint": 1, "patience": 1,
}  # fmt: skip

PRESETS: dict[Preset, dict[str, Any]] = {
    "tiny": {"limit": 26, "steps": 4, "batch": 4, "layers": 2, "look": 4, "briefs": 1,
             "validation_samples": 4, "checkpoint": 2, "warmup": 1},
    "quick": {"minutes": 30.0, "epochs": 2.0, "plain": 0.625},
    "full": {},
}  # fmt: skip


def from_mapping(given: dict[str, Any], start: TuneConfig | None = None) -> TuneConfig:
    """Return ``start`` (default: the defaults) changed by ``given``.

    Raises:
        FencunError: a key is unknown (names the nearest) or a value of the wrong kind.
    """
    start = start or TuneConfig()
    fields = {field.name: field for field in dataclasses.fields(TuneConfig)}
    changes: dict[str, Any] = {}
    for key, value in given.items():
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1, cutoff=0.0)[0]
            raise FencunError(
                f"微调配置里没有 {str(key)[:40]!r}；最接近的是 {near}。",
                f"There is no tuning option {str(key)[:40]!r}; the nearest is {near}.",
            )
        changes[key] = _cast(key, value, getattr(start, key))
    return dataclasses.replace(start, **changes)


def _cast(key: str, value: Any, like: Any) -> Any:
    try:
        if isinstance(like, float) and not isinstance(value, bool):
            return float(value)
        if type(value) is type(like):
            choices = _CHOICES.get(key)
            if choices is None or value in choices:
                return value
    except (TypeError, ValueError):
        pass
    raise FencunError(
        f"微调配置 {key} 不能是 {str(value)[:40]!r}。",
        f"Tuning option {key} cannot be {str(value)[:40]!r}.",
    )


_CHOICES = {
    "int8": ("auto", "on", "off"),
    "retrieve": ("auto", "on", "off"),
    "vocabulary": ("chinese", "all"),
}


def read_config(path: Path, start: TuneConfig | None = None) -> TuneConfig:
    """Read a YAML (or JSON) file of options.

    Raises:
        FencunError: it cannot be read, is no mapping, or holds an unknown key.
    """
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FencunError(
            f"读不了微调配置 {path}：{error}", f"Cannot read the tuning options {path}: {error}"
        ) from error
    if not isinstance(given, dict):
        raise FencunError(f"{path} 里应当是“键: 值”。", f"{path} should hold key: value pairs.")
    return from_mapping(given, start)
