"""The training loop: one plain loop, read top to bottom, that can die anywhere and go on."""

import math
import time
from collections.abc import Sequence
from typing import Generic, Protocol

import torch

from fencun.errors import FencunError
from fencun.tune.config import TuneConfig
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.machine import give_memory_back
from fencun.tune.objectives.objective import E, Objective
from fencun.tune.runs.checkpoint import Checkpoint, newest_checkpoint, save_checkpoint
from fencun.tune.runs.early_stopping import LookMetrics, Reason, best_look, reason_to_stop
from fencun.tune.runs.events import LookEvent, RunOutcome, StepEvent, Tell, silently
from fencun.tune.runs.folder import RunFolder
from fencun.tune.runs.order import batch_at

_FLOOR = 0.1


class Looks(Protocol):
    """Looks at a student at work."""

    def __call__(self, step: int, student: Student, adapter: LoraAdapter) -> LookEvent:
        """Return what is seen after ``step`` steps."""
        ...


def learning_rate(step: int, config: TuneConfig) -> float:
    """Return the rate of ``step`` (from 0): a linear warm-up, then a cosine down to a tenth."""
    if step < config.warmup:
        return config.rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.rate * (_FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class TrainingLoop(Generic[E]):
    """The loop of a run in ``folder``: begun or gone on with, by the same call.

    ``config.steps`` must be resolved. ``objective`` says what a batch costs; ``watch`` looks
    every ``config.look`` steps and at the end; the adapter with the best validation loss is the
    one that is kept.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: TuneConfig,
        objective: Objective[E],
        student: Student,
        adapter: LoraAdapter,
        examples: Sequence[E],
        watch: Looks,
        tell: Tell = silently,
    ) -> None:
        self.folder, self.config, self.objective = folder, config, objective
        self.student, self.adapter = student, adapter
        self._examples = examples
        self._strata = [example.stratum for example in examples]
        self._groups = [example.group or example.id for example in examples]
        self._watch, self._tell = watch, tell
        self._micro = config.at_once(student.device)
        self._optimizer = torch.optim.AdamW(
            [tensor.requires_grad_() for tensor in adapter.tensors.values()],
            lr=config.rate,
            betas=(0.9, 0.99),
            weight_decay=config.decay,
        )
        self._step = 0
        self._history: list[LookMetrics] = []
        self._stopped: Reason | None = None
        self._resume()

    @property
    def step(self) -> int:
        """Steps done."""
        return self._step

    def go(self) -> RunOutcome:
        """Run to the end, or until a look raises an alarm or patience runs out."""
        started, first = time.monotonic(), self._step
        while self._step < self.config.steps and not self._stopped:
            loss, rate = self._learn()
            self._step += 1
            self._report(loss, rate, (time.monotonic() - started) / (self._step - first))
            at_end = self._step == self.config.steps
            if at_end or self._step % self.config.look == 0:
                self._stopped = self._look()
            if at_end or self._stopped or self._step % self.config.checkpoint == 0:
                self._save()
        best = best_look(self._history)
        return RunOutcome(self._step, best["step"], best["loss"], self._stopped)

    def _learn(self) -> tuple[float, float]:
        """Take one step; return its mean cost and the learning rate."""
        config = self.config
        chosen = batch_at(
            self._strata,
            seed=config.seed,
            step=self._step,
            size=config.batch,
            groups=self._groups,
        )
        batch = [self._examples[index] for index in chosen]
        loss = self._gradients(batch)
        if not math.isfinite(loss):
            raise FencunError(
                f"第 {self._step + 1} 步的损失不是数（学习率 {config.rate:g}）。上一个检查点完好；"
                "把 rate 调小，重新开始。",
                f"The loss of step {self._step + 1} is not a number (rate {config.rate:g}). The "
                "last checkpoint is whole; start again with a smaller rate.",
            )
        rate = learning_rate(self._step, config)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        torch.nn.utils.clip_grad_norm_(list(self.adapter.tensors.values()), config.clip)
        self._optimizer.step()
        return loss, rate

    def _gradients(self, batch: Sequence[E]) -> float:
        """Accumulate gradients of the mean cost; where memory runs out, in halves from then on."""
        total = self.objective.count(batch)
        while True:
            self._optimizer.zero_grad(set_to_none=True)
            try:
                loss = 0.0
                for start in range(0, len(batch), self._micro):
                    part = batch[start : start + self._micro]
                    cost = self.objective.cost(self.student, part, self.adapter)
                    (cost / total).backward()  # type: ignore[no-untyped-call]
                    loss += float(cost.detach())
                    del cost
                    give_memory_back()
                return loss / total
            except torch.OutOfMemoryError as error:
                if self._micro == 1:
                    raise FencunError(
                        "显存不够，一条样本也放不下；请减少 layers 或 rank，或换小一点的底座。",
                        "Out of memory with a single sample; lower layers or rank, "
                        "or take a smaller base.",
                    ) from error
                self._micro = (self._micro + 1) // 2
                torch.cuda.empty_cache()

    def _report(self, loss: float, rate: float, seconds: float) -> None:
        left = (self.config.steps - self._step) * seconds
        tick = StepEvent(
            self._step, self.config.steps, loss, rate, self.config.batch / max(seconds, 1e-9), left
        )
        self._tell(tick)

    def _look(self) -> Reason | None:
        look = self._watch(self._step, self.student, self.adapter)
        self._tell(look)
        self._history.append(look.seen())
        stop = reason_to_stop(self._history, self.config.patience)
        if best_look(self._history)["step"] == self._step:
            self.adapter.save(self.folder.best, self.config.base)
        return stop

    def _save(self) -> None:
        tensors = {f"adapter.{k}": v.detach() for k, v in self.adapter.tensors.items()}
        for name, value in self.adapter.tensors.items():
            state = self._optimizer.state[value]
            tensors[f"mean.{name}"] = state["exp_avg"]
            tensors[f"square.{name}"] = state["exp_avg_sq"]
        progress = {"history": self._history, "micro": self._micro, "stopped": self._stopped}
        save_checkpoint(self.folder.checkpoints, Checkpoint(self._step, tensors, progress))

    def _resume(self) -> None:
        checkpoint = newest_checkpoint(self.folder.checkpoints)
        if checkpoint is None:
            return
        self._step = checkpoint.step
        self._history = checkpoint.progress["history"]
        stopped = checkpoint.progress["stopped"]
        self._stopped = (stopped[0], stopped[1]) if stopped else None
        self._micro = checkpoint.progress["micro"]
        with torch.no_grad():
            for name, value in self.adapter.tensors.items():
                value.copy_(checkpoint.tensors[f"adapter.{name}"])
                self._optimizer.state[value] = {
                    "step": torch.tensor(float(checkpoint.step)),
                    "exp_avg": checkpoint.tensors[f"mean.{name}"].to(value.device),
                    "exp_avg_sq": checkpoint.tensors[f"square.{name}"].to(value.device),
                }
