"""Tuning: samples a second of the own loop beside a plain transformers + peft loop.

Run: python benchmarks/tune.py [--model NAME] [--batches 2] [--rank 8] [--json FILE]

Both take the same samples of the shipped data, in the same batches, with LoRA of the same
rank on every projection, in this very process, in alternating rounds; each round is a
forward and a backward pass without the optimiser, whose share is small and equal. The peer
is what one writes in an afternoon: the base in bf16 where the CPU has units for it (float32
elsewhere), padded batches, ``model(**batch).loss``. Beside them the own loop with only the
upper half of the blocks adapted, the lower half computed anew and from its cache.
"""

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

from fencun.tune.machine import settle_threads

settle_threads()

import torch  # noqa: E402

from fencun import files  # noqa: E402
from fencun.tune.config import TuneConfig  # noqa: E402
from fencun.tune.decoder import PROJECTIONS, Shape  # noqa: E402
from fencun.tune.examples import Example  # noqa: E402
from fencun.tune.machine import look_around  # noqa: E402
from fencun.tune.order import batch_at  # noqa: E402
from fencun.tune.session import Material, build_student, fresh_adapter, gather  # noqa: E402

Step = Callable[[Sequence[Example]], float]


def ours(config: TuneConfig, material: Material, cache: Path | None) -> Step:
    """Return a step of the own loop; it returns the mean loss in nats a token."""
    student = build_student(config, material, look_around())
    student.lower.folder = cache
    adapter = fresh_adapter(config, material.base)

    def step(batch: Sequence[Example]) -> float:
        nll, count = student.nll(batch, adapter)
        (nll / count).backward()  # type: ignore[no-untyped-call]
        return float(nll.detach()) / count

    return step


def plain(config: TuneConfig, material: Material) -> Step:
    """Return a step of transformers + peft as documented."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    dtype = torch.bfloat16 if look_around().bf16 else torch.float32
    base: Any = AutoModelForCausalLM.from_pretrained(material.base.folder, dtype=dtype)
    lora = LoraConfig(r=config.rank, lora_alpha=int(config.alpha), target_modules=list(PROJECTIONS))
    model: Any = get_peft_model(base, lora)
    padding = int(material.tokenizer.pad_token_id or material.tokenizer.eos_token_id)

    def step(batch: Sequence[Example]) -> float:
        whole = [(*example.prompt, *example.answer) for example in batch]
        longest = max(map(len, whole))
        ids = torch.full((len(batch), longest), padding)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for row, (example, tokens) in enumerate(zip(batch, whole, strict=True)):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
            labels[row, len(example.prompt) : len(tokens)] = torch.tensor(example.answer)
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        return float(loss.detach())

    return step


def run(model: str, batches: int, rank: int) -> dict[str, Any]:
    """Measure all arms; return samples a second (medians over the batches) and losses."""
    config = TuneConfig(base=model, rank=rank, alpha=2.0 * rank)
    material = gather(config)
    half = Shape.read(material.base.folder).layers // 2
    strata = [example.stratum for example in material.training]
    chosen = [
        [material.training[index] for index in batch_at(strata, seed=0, step=n, size=config.batch)]
        for n in range(batches)
    ]
    seconds: dict[str, list[float]] = {}
    losses: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as cache:
        everything = ours(config, material, None)
        peer = plain(config, material)
        everything(chosen[0][:1]), peer(chosen[0][:1])  # kernels are chosen on first use
        for number, batch in enumerate(chosen):
            pair = [("fencun", everything), ("transformers + peft", peer)]
            for name, step in pair if number % 2 == 0 else pair[::-1]:
                _time(name, step, batch, seconds, losses)
        del everything, peer
        gc.collect()
        upper = ours(config.replaced(layers=half), material, Path(cache))
        for name in (f"upper {half} blocks, first epoch", f"upper {half} blocks, later epochs"):
            for batch in chosen:
                _time(name, upper, batch, seconds, losses)
    return {
        "model": material.base.name,
        "machine": look_around().cpu,
        "cores": look_around().cores,
        "bf16": look_around().bf16,
        "load_average": os.getloadavg()[0],
        "batch": config.batch,
        "rank": rank,
        "batches": batches,
        "samples_per_second": {
            name: config.batch / statistics.median(each) for name, each in seconds.items()
        },
        "loss": {name: statistics.mean(each) for name, each in losses.items()},
        "every_second": seconds,
    }


def _time(
    name: str,
    step: Step,
    batch: Sequence[Example],
    seconds: dict[str, list[float]],
    losses: dict[str, list[float]],
) -> None:
    began = time.perf_counter()
    losses.setdefault(name, []).append(step(batch))
    seconds.setdefault(name, []).append(time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="", help="catalog name; the one in use by default")
    parser.add_argument("--batches", type=int, default=2, help="batches of eight an arm")
    parser.add_argument("--rank", type=int, default=8, help="rank of the LoRA")
    parser.add_argument("--json", type=Path, help="also write everything measured to this file")
    options = parser.parse_args()
    result = run(options.model, options.batches, options.rank)
    typer.echo(f"{result['model']}, {result['cores']} cores, bf16 units: {result['bf16']}")
    peer = result["samples_per_second"]["transformers + peft"]
    typer.echo(f"{'':34}{'samples/s':>10}{'ratio':>8}{'loss':>8}")
    for name, rate in result["samples_per_second"].items():
        typer.echo(f"{name:34}{rate:10.2f}{rate / peer:8.2f}{result['loss'][name]:8.3f}")
    if options.json:
        files.write_json(options.json, result)


if __name__ == "__main__":
    main()
