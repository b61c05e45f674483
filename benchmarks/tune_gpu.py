"""LoRA on a model of Qwen3-32B's exact shape on one GPU: the own loop beside peft and TRL.

Run: python benchmarks/tune_gpu.py [--shape qwen3-32b] [--batch 16] [--steps N] [--json FILE]

Weights are random, in bf16 and made on the device, so nothing is downloaded and no disk is
needed; what they say is noise, what they cost is not. The samples are the shipped training
data, three epochs of it unless --steps says less; then the time for all of it is extrapolated,
and said to be. Without a tokenizer a character is a token: Qwen's makes fewer, so the figures
are a little pessimistic; --tokenizer takes one from a folder.

The peers take a few steps each (--peer-steps): transformers + peft in this process, on the very
same weights; TRL's SFTTrainer in a subprocess where it is installed (see benchmarks/tune.py).

Useful work is four operations for every weight and token: forward, and back to the activations
(frozen weights need no gradient of their own). Attention, padding, and the head on prompts are
not counted. MFU is that work over what the GPU promises in dense bf16. Without a GPU the shape
is ``tiny``, in float32: it shows that the script works, and that all compute the same loss.
"""

import argparse
import gc
import json
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from peers.elsewhere import MissingError, trl_seconds
from peers.peft_loop import peft_step, with_lora

from fencun.tune.machine import settle_threads

settle_threads()

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from fencun import files  # noqa: E402
from fencun.brief import parse_brief  # noqa: E402
from fencun.data.lines import read_samples  # noqa: E402
from fencun.prompt import messages  # noqa: E402
from fencun.scenario import load_scenario  # noqa: E402
from fencun.tune.config import TuneConfig  # noqa: E402
from fencun.tune.examples import (  # noqa: E402
    TrainingExample,
    encode_all,
    shared_prefix,
)
from fencun.tune.forward.decoder import PROJECTIONS  # noqa: E402
from fencun.tune.forward.student import Student  # noqa: E402
from fencun.tune.lora import LoraAdapter, widths  # noqa: E402
from fencun.tune.machine import look_around  # noqa: E402
from fencun.tune.objectives.sft import Sft  # noqa: E402
from fencun.tune.runs.events import Event, LookEvent, StepEvent  # noqa: E402
from fencun.tune.runs.folder import RunFolder  # noqa: E402
from fencun.tune.runs.loop import TrainingLoop  # noqa: E402
from fencun.tune.runs.order import batch_at  # noqa: E402

# Of Qwen/Qwen3-32B's config.json; tiny is the same in small.
SHAPES: dict[str, dict[str, int]] = {
    "qwen3-32b": {
        "hidden_size": 5120, "intermediate_size": 25600, "num_hidden_layers": 64,
        "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 128,
        "vocab_size": 151936,
    },
    "tiny": {
        "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32, "vocab_size": 512,
    },
}  # fmt: skip
# Dense bf16, operations a second, from NVIDIA's data sheets.
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12}
_EPOCHS = 3
_FRAME = 14  # tokens of the chat template around a prompt, thinking off
_EVERYTHING = 1 << 30


@dataclass(frozen=True)
class Measured:
    """An arm: seconds and samples of the steps that count, work a second, bytes, first loss."""

    name: str
    seconds: float
    samples: int
    tokens: int
    work: float
    memory: int
    first_loss: float


class Shared:
    """The weights of a transformers model as the own loop reads them: none is copied."""

    def __init__(self, model: Any) -> None:
        self._tensors: dict[str, Tensor] = dict(model.state_dict())

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def read(self, name: str) -> Tensor:
        return self._tensors[name]


def random_model(shape: str, folder: Path, device: str) -> Any:
    """Return a random Qwen3 of ``shape`` on ``device``; its config.json lies in ``folder``."""
    from transformers import AutoModelForCausalLM, Qwen3Config

    config = Qwen3Config(
        **SHAPES[shape], rms_norm_eps=1e-6, rope_theta=1e6, max_position_embeddings=40960,
        tie_word_embeddings=False, hidden_act="silu", eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    config.save_pretrained(folder)
    torch.manual_seed(0)
    with torch.device(device):
        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        return AutoModelForCausalLM.from_config(config, dtype=dtype).requires_grad_(False)


def read_examples(tokenizer_folder: str, vocabulary: int) -> list[TrainingExample]:
    """Return the shipped training data as tokens; see above where there is no tokenizer."""
    scenario = load_scenario("spring_festival")
    samples = read_samples(scenario.folder / "dataset" / "train.jsonl", scenario)
    if tokenizer_folder:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
        return encode_all(tokenizer, scenario, samples, max_tokens=512)[0]
    examples = []
    for sample in samples:
        brief = parse_brief(scenario, sample.brief, strict=True)
        asked = "".join(message["content"] for message in messages(brief, "tuned"))
        prompt = [2] * 4 + [ord(c) % vocabulary for c in asked] + [3] * (_FRAME - 4)
        answer = [*(ord(c) % vocabulary for c in sample.text), 1]
        examples.append(
            TrainingExample(sample.id, sample.family, brief.value("audience"), tuple(prompt),
                    tuple(answer), sample.text)
        )  # fmt: skip
    return examples


def work_of(shape: str, examples: Sequence[TrainingExample], shared: int, batch: int) -> float:
    """Return the useful operations of a pass over ``examples``; ``shared`` opens each batch."""
    numbers = SHAPES[shape]
    hidden, inner = numbers["hidden_size"], numbers["intermediate_size"]
    queries = numbers["num_attention_heads"] * numbers["head_dim"]
    keys = numbers["num_key_value_heads"] * numbers["head_dim"]
    block = 2 * hidden * (queries + keys) + 3 * hidden * inner
    rows = sum(len(example.ids) - shared for example in examples)
    rows += shared * len(examples) / batch
    answers = sum(len(example.answer) for example in examples)
    blocks = rows * block * numbers["num_hidden_layers"]
    return 4.0 * (blocks + answers * hidden * numbers["vocab_size"])


class Meter:
    """Notes when steps end, and how much memory they took."""

    def __init__(self, device: str) -> None:
        self._cuda = device == "cuda"
        self.ends: list[float] = []
        self.losses: list[float] = []
        if self._cuda:
            torch.cuda.reset_peak_memory_stats()

    def step(self, loss: float) -> None:
        """A step has ended."""
        if self._cuda:
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())
        self.losses.append(loss)

    def measured(
        self,
        name: str,
        shape: str,
        examples: Sequence[TrainingExample],
        batch: int,
        shared: int = 0,
    ) -> Measured:
        """Return what was measured over all steps but the first; ``examples`` in their order."""
        counted = examples[batch : batch * len(self.ends)]
        seconds = self.ends[-1] - self.ends[0]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return Measured(
            name, seconds, len(counted), sum(len(example.ids) for example in counted),
            work_of(shape, counted, shared, batch) / seconds,
            torch.cuda.max_memory_allocated() if self._cuda else memory, self.losses[0],
        )  # fmt: skip


def own_loop(
    model: Any,
    shape: str,
    folder: Path,
    config: TuneConfig,
    examples: list[TrainingExample],
    device: str,
) -> Measured:
    """Train with the product's own loop, optimizer, order and last checkpoint included."""
    prefix = shared_prefix(examples)
    student = Student(
        folder, 0, prefix, dtype=model.dtype, device=device, weights=Shared(model)
    )  # fmt: skip
    adapter = LoraAdapter.fresh(
        widths(folder), rank=config.rank, alpha=config.alpha,
        layers=range(SHAPES[shape]["num_hidden_layers"]),
    )  # fmt: skip
    adapter.tensors = {name: tensor.to(device) for name, tensor in adapter.tensors.items()}
    meter = Meter(device)

    def tell(event: Event) -> None:
        if isinstance(event, StepEvent):
            meter.step(event.loss)

    def watch(step: int, student: Student, adapter: LoraAdapter) -> LookEvent:
        return LookEvent(step, 0.0)

    with tempfile.TemporaryDirectory() as out:
        run = RunFolder(Path(out))
        TrainingLoop(run, config, Sft(), student, adapter, examples, watch, tell).go()
    order = _in_order(config, examples)
    return meter.measured("fencun", shape, order, config.batch, len(prefix))


def peft_loop(
    model: Any, shape: str, config: TuneConfig, examples: list[TrainingExample], device: str
) -> Measured:
    """Train a few steps with transformers + peft; where memory runs out, with checkpointing."""
    tuned = with_lora(model, config)
    order = _in_order(config, examples)
    batches = [order[n : n + config.batch] for n in range(0, len(order), config.batch)]
    for again in (False, True):
        name = "transformers + peft" + (", recomputing" if again else "")
        meter = Meter(device)
        step = peft_step(tuned, config, 0, device)
        try:
            for batch in batches:
                meter.step(step(batch))
            return meter.measured(name, shape, order, config.batch)
        except torch.OutOfMemoryError:
            if again:
                raise MissingError("out of memory, even with gradient checkpointing") from None
        tuned.zero_grad()
        torch.cuda.empty_cache()
        tuned.gradient_checkpointing_enable()
        tuned.enable_input_require_grads()
    raise AssertionError("one of the two attempts returns or raises")


def trl_trainer(
    shape: str, folder: Path, config: TuneConfig, examples: list[TrainingExample], device: str
) -> Measured:
    """Train a few steps with TRL's SFTTrainer, which makes random weights of its own."""
    order = _in_order(config, examples)
    work = {
        "folder": str(folder), "random": True, "rank": config.rank, "alpha": int(config.alpha),
        "rate": config.rate, "batch": config.batch, "bf16": device == "cuda",
        "targets": list(PROJECTIONS),
    }  # fmt: skip
    done = trl_seconds(work, order, folder / "trl")
    counted = order[config.batch :]
    seconds = sum(done["seconds"])
    return Measured(
        "TRL SFTTrainer", seconds, len(counted), sum(len(example.ids) for example in counted),
        work_of(shape, counted, 0, config.batch) / seconds, int(done["memory"]), done["losses"][0],
    )  # fmt: skip


def _in_order(config: TuneConfig, examples: Sequence[TrainingExample]) -> list[TrainingExample]:
    """Return the samples of all steps of ``config``, as the loop sees them."""
    strata = [example.stratum for example in examples]
    return [
        examples[index]
        for step in range(config.steps)
        for index in batch_at(strata, seed=config.seed, step=step, size=config.batch)
    ]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure all arms; return what ``show`` prints."""
    machine = look_around()
    device = machine.device
    shape = options.shape or ("qwen3-32b" if device == "cuda" else "tiny")
    examples = read_examples(options.tokenizer, SHAPES[shape]["vocab_size"])
    whole = -(-len(examples) * _EPOCHS // options.batch)
    steps = options.steps or (whole if device == "cuda" else 4)
    config = TuneConfig(
        rank=options.rank, alpha=2.0 * options.rank, batch=options.batch, steps=steps,
        look=_EVERYTHING, checkpoint=_EVERYTHING,
    )  # fmt: skip
    few = config.replaced(steps=min(steps, options.peer_steps))
    arms: list[Measured] = []
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = random_model(shape, folder, device)
        arms.append(own_loop(model, shape, folder, config, examples, device))
        gc.collect()
        for name, arm in (
            ("transformers + peft", lambda: peft_loop(model, shape, few, examples, device)),
            ("TRL SFTTrainer", lambda: trl_trainer(shape, folder, few, examples, device)),
        ):
            try:
                arms.append(arm())
            except MissingError as error:
                missing[name] = str(error)
            if name != "TRL SFTTrainer":
                del model  # TRL needs the memory
                gc.collect()
                if device == "cuda":
                    torch.cuda.empty_cache()
    peak = options.peak * 1e12 or next((v for k, v in PEAKS.items() if k in machine.gpu), 0.0)
    return {
        "shape": shape, "device": machine.gpu or machine.cpu, "batch": options.batch,
        "rank": options.rank, "samples": len(examples), "epochs": _EPOCHS, "steps": steps,
        "steps_of_all": whole, "tokens": "tokenizer" if options.tokenizer else "characters",
        "peak_tflops": peak / 1e12, "missing": missing,
        "arms": [_row(arm, len(examples) * _EPOCHS, peak) for arm in arms],
    }  # fmt: skip


def _row(arm: Measured, samples: int, peak: float) -> dict[str, Any]:
    return {
        "name": arm.name,
        "samples_per_second": arm.samples / arm.seconds,
        "tokens_per_second": arm.tokens / arm.seconds,
        "mfu": arm.work / peak if peak else None,
        "tflops": arm.work / 1e12,
        "memory_gib": arm.memory / 2**30,
        "minutes_for_all": samples / arm.samples * arm.seconds / 60,
        "first_loss": arm.first_loss,
    }


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    typer.echo(
        f"{result['shape']} on {result['device']}, rank {result['rank']}, batches of "
        f"{result['batch']}; {result['steps']} of {result['steps_of_all']} steps run"
    )
    everything = f"{result['samples']} x {result['epochs']}"
    typer.echo(
        f"{'':34}{'samples/s':>10}{'tokens/s':>10}{'TFLOP/s':>9}{'MFU':>7}"
        f"{'GiB':>7}{everything:>12}{'loss':>8}"
    )
    for row in result["arms"]:
        mfu = f"{row['mfu']:.0%}" if row["mfu"] is not None else "-"
        typer.echo(
            f"{row['name']:34}{row['samples_per_second']:10.2f}{row['tokens_per_second']:10.0f}"
            f"{row['tflops']:9.2f}{mfu:>7}{row['memory_gib']:7.1f}"
            f"{row['minutes_for_all']:8.1f} min{row['first_loss']:8.3f}"
        )
    for name, why in result["missing"].items():
        typer.echo(f"{name}: left out. {why}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, help="the large one on a GPU, else tiny")
    parser.add_argument("--batch", type=int, default=16, help="samples a step")
    parser.add_argument("--rank", type=int, default=8, help="rank of the LoRA")
    parser.add_argument("--steps", type=int, default=0, help="steps of the own loop; 0: all")
    parser.add_argument("--peer-steps", type=int, default=6, help="steps of each peer")
    parser.add_argument("--tokenizer", default="", help="folder of a tokenizer")
    parser.add_argument("--peak", type=float, default=0.0, help="bf16 TFLOP/s of another GPU")
    parser.add_argument("--json", type=Path, help="also write everything measured to this file")
    options = parser.parse_args()
    result = run(options)
    show(result)
    if options.json:
        files.write_text(options.json, json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
