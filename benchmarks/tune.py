"""Tuning: samples a second of the own loop beside peft, TRL's SFTTrainer and LLaMA-Factory.

Run: python benchmarks/tune.py [--model NAME] [--batches 2] [--rank 8] [--arms ...] [--json FILE]

All take the same batches of eight samples of the shipped data, of like length (so that those
who pad lose little by it), with LoRA of the same rank on every projection, on the same base in
bf16 where the CPU has units for it (float32 elsewhere). A batch is a whole step: forward,
backward, AdamW. Starting, loading and the first step of each do not count.

- fencun: the own loop on all blocks, first as exact as the others, then with 8-bit products for
  the frozen weights, then without gradients through the prompt as well, which is the default.
- upper: the default on the upper half only, the lower half computed anew and from its cache.
- peft: what one writes in an afternoon, ``model(**batch).loss``; in this very process.
- trl, llamafactory: the real trainers, each in an environment of its own (made by
  scripts/setup-llamafactory, which brings TRL too); left out with a word where it is not there.

The loss is that of the first batch, before anything is learnt: it shows that all compute the
same. Fencun predicts tokens of Chinese text only, so its loss is a little lower; LLaMA-Factory
predicts one newline more.
"""

import argparse
import gc
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer
from peers.elsewhere import Batches, MissingError, llamafactory, trl
from peers.peft_loop import Step, peft_step, with_lora

from fencun.tune.machine import settle_threads

settle_threads()

import torch  # noqa: E402

from fencun import files  # noqa: E402
from fencun.tune.config import DATASET, TuneConfig  # noqa: E402
from fencun.tune.examples import TrainingExample  # noqa: E402
from fencun.tune.forward.decoder import Shape  # noqa: E402
from fencun.tune.machine import give_memory_back, look_around  # noqa: E402
from fencun.tune.material import Material, gather  # noqa: E402
from fencun.tune.objectives.sft import Sft  # noqa: E402
from fencun.tune.runs.loading import build_student, starting_adapter  # noqa: E402
from fencun.tune.runs.order import batch_at  # noqa: E402

ARMS = ("fencun", "peft", "upper", "trl", "llamafactory")
OURS: dict[str, dict[str, Any]] = {
    "fencun, exact": {"int8": "off", "through_prompt": True},
    "fencun, 8-bit products": {"through_prompt": True},
    "fencun": {},
}


Gathered = Material[TrainingExample]


class Table:
    """What was measured: seconds a batch and the first loss of every arm, and who is missing."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.losses: dict[str, float] = {}
        self.missing: dict[str, str] = {}

    def time(self, name: str, step: Step, batch: Sequence[TrainingExample]) -> None:
        """Take one step and note how long it took."""
        began = time.perf_counter()
        step(batch)
        self.seconds.setdefault(name, []).append(time.perf_counter() - began)

    def rates(self, batch: int) -> dict[str, float]:
        """Return samples a second over all batches of each arm."""
        return {name: batch * len(each) / sum(each) for name, each in self.seconds.items()}


def ours(config: TuneConfig, material: Gathered, cache: Path | None) -> Step:
    """Return a step of the own loop; it returns the mean loss in nats a token."""
    student = build_student(replace(material, config=config), look_around())
    student.lower.folder = cache
    adapter = starting_adapter(config, material.base)
    optimizer = torch.optim.AdamW(adapter.tensors.values(), lr=config.rate)
    at_once = config.at_once(student.device)

    def step(batch: Sequence[TrainingExample]) -> float:
        count, loss = sum(len(example.answer) for example in batch), 0.0
        for start in range(0, len(batch), at_once):
            nll, _ = student.nll(batch[start : start + at_once], adapter)
            (nll / count).backward()  # type: ignore[no-untyped-call]
            loss += float(nll.detach())
            del nll
            give_memory_back()
        optimizer.step()
        optimizer.zero_grad()
        return loss / count

    return step


def plain(config: TuneConfig, material: Gathered) -> Step:
    """Return a step of transformers + peft as documented."""
    from transformers import AutoModelForCausalLM

    dtype = torch.bfloat16 if look_around().bf16 else torch.float32
    base: Any = AutoModelForCausalLM.from_pretrained(material.base.folder, dtype=dtype)
    padding = int(material.tokenizer.pad_token_id or material.tokenizer.eos_token_id)
    return peft_step(with_lora(base, config), config, padding)


def draw(config: TuneConfig, material: Gathered, count: int) -> Batches:
    """Return a short batch to warm up on, and ``count`` batches of a run, of like length each."""
    strata = [example.stratum for example in material.examples.training]
    chosen = [
        material.examples.training[index]
        for step in range(count)
        for index in batch_at(strata, seed=0, step=step, size=config.batch)
    ]
    by_length = sorted(chosen, key=lambda example: len(example.ids))
    first = sorted(material.examples.training, key=lambda example: len(example.ids))[: config.batch]
    size = config.batch
    return [first, *(by_length[n : n + size] for n in range(0, len(by_length), size))]


def in_process(
    config: TuneConfig,
    material: Gathered,
    batches: Batches,
    arms: Sequence[str],
    table: Table,
) -> None:
    """Measure the own loop in its variants, peft, and the own loop on its upper half."""
    if "fencun" in arms:
        for name, changes in OURS.items():
            _measure(name, ours(config.replaced(**changes), material, None), batches, table)
    if "peft" in arms:
        _measure("transformers + peft", plain(config, material), batches, table)
    if "upper" not in arms:
        return
    half = Shape.read(material.base.folder).layers // 2
    with tempfile.TemporaryDirectory() as cache:
        upper = ours(config.replaced(layers=half), material, Path(cache))
        first = upper(batches[0])
        for name in (f"fencun, upper {half}, first epoch", f"fencun, upper {half}, later epochs"):
            table.losses[name] = first
            for batch in batches[1:]:
                table.time(name, upper, batch)


def _measure(name: str, step: Step, batches: Batches, table: Table) -> None:
    table.losses[name] = step(batches[0])
    for batch in batches[1:]:
        table.time(name, step, batch)
    del step
    gc.collect()


def elsewhere(
    config: TuneConfig,
    material: Gathered,
    batches: Batches,
    arms: Sequence[str],
    table: Table,
) -> None:
    """Measure the real trainers of others, one after the other."""
    for arm, name, measure in (
        ("trl", "TRL SFTTrainer", trl),
        ("llamafactory", "LLaMA-Factory", llamafactory),
    ):
        if arm not in arms:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                found, table.losses[name] = measure(config, material, batches, Path(folder))
                table.seconds[name] = found
            except MissingError as error:
                table.missing[name] = str(error)
        gc.collect()


def run(config: TuneConfig, batches: int, arms: Sequence[str] = ARMS) -> dict[str, Any]:
    """Measure the arms; return samples a second over all batches, and the first losses."""
    material = gather(Sft(), config)
    drawn = draw(config, material, batches)
    load, table = os.getloadavg()[0], Table()
    in_process(config, material, drawn, arms, table)
    elsewhere(config, material, drawn, arms, table)
    machine = look_around()
    return {
        "model": material.base.name,
        "machine": machine.cpu,
        "cores": machine.cores,
        "bf16": machine.bf16,
        "load_average": load,
        "batch": config.batch,
        "rank": config.rank,
        "batches": batches,
        "tokens": [sum(len(example.ids) for example in batch) for batch in drawn[1:]],
        "samples_per_second": table.rates(config.batch),
        "first_loss": table.losses,
        "every_second": table.seconds,
        "missing": table.missing,
    }


def show(result: dict[str, Any]) -> None:
    """Print the table, the slowest first."""
    units = "bf16 units" if result["bf16"] else "no bf16 units"
    load = f"load before {result['load_average']:.1f}"
    typer.echo(f"{result['model']}, {result['cores']} cores, {units}, {load}")
    rates = result["samples_per_second"]
    peer = rates.get("LLaMA-Factory")
    typer.echo(f"{'':34}{'samples/s':>10}{'x LLaMA-Factory':>17}{'first loss':>12}")
    for name, rate in sorted(rates.items(), key=lambda item: item[1]):
        ratio = f"{rate / peer:.2f}" if peer else "-"
        typer.echo(f"{name:34}{rate:10.3f}{ratio:>17}{result['first_loss'][name]:12.3f}")
    for name, why in result["missing"].items():
        typer.echo(f"{name}: left out. {why}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="", help="catalog name; the one in use by default")
    parser.add_argument("--batches", type=int, default=2, help="batches of eight an arm")
    parser.add_argument("--rank", type=int, default=8, help="rank of the LoRA")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS, help="whom to measure")
    parser.add_argument("--json", type=Path, help="also write everything measured to this file")
    options = parser.parse_args()
    config = TuneConfig(
        base=options.model, data=DATASET, rank=options.rank, alpha=2.0 * options.rank
    )
    result = run(config, options.batches, options.arms)
    show(result)
    if options.json:
        files.write_json(options.json, result)


if __name__ == "__main__":
    main()
