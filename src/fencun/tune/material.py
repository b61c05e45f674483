"""Everything that a run is made of: base, tokenizer, examples. What data decides comes first."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from fencun import files
from fencun.scenario import Scenario, load_scenario, reference
from fencun.tune.base import TunableBase, complete, find_base
from fencun.tune.config import TuneConfig
from fencun.tune.formats.opening import weights_file
from fencun.tune.objectives.objective import E, ExampleSet, Objective, Readings
from fencun.tune.training_files import data_of, names_data


@dataclass(frozen=True)
class Material(Generic[E]):
    """What a run is made of, read and encoded; ``config`` is resolved but for its steps.

    ``hashes`` are the SHA-256 of the files that it learns from and starts from, by name.
    """

    config: TuneConfig
    base: TunableBase
    tokenizer: Any
    scenario: Scenario
    examples: ExampleSet[E]
    hashes: dict[str, str]


def gather(objective: Objective[E], config: TuneConfig, *, weights: bool = True) -> Material[E]:
    """Read the data that ``config`` names, then open its base and encode the data for it.

    Without ``weights`` a base that is a GGUF is not de-quantised: tokenizer and shape are there,
    its safetensors perhaps not.

    Raises:
        FencunError: base or data are missing, malformed, or too little to learn from. What the
            data alone decides is told before a base is opened.
    """
    from transformers import AutoTokenizer

    config = objective.resolve(config)
    scenario = load_scenario(config.scenario)
    config = config.replaced(scenario=reference(scenario.folder))
    readings: Readings[E] | None = None
    if names_data(config):
        readings = objective.read(scenario, config)
    base = find_base(config.base)
    config = config.replaced(data=data_of(config, scenario, base))
    readings = readings or objective.read(scenario, config)
    complete(base, weights=weights)
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    hashes = dict(readings.hashes)
    if config.start:
        hashes["adapter"] = files.sha256_file(weights_file(Path(config.start)))
    return Material(config, base, tokenizer, scenario, readings.encode(tokenizer), hashes)
