"""Fits how drafts are put in order: ``python scripts/ranking.py READS`` writes ``ranking.json``.

READS is JSON Lines of texts that the scenario's adapter wrote and somebody read: ``brief``,
``text``, ``grade`` (2 can be sent as it stands), ``mean_logprob`` (nats a token) and ``verified``
(what the verifier held, 0 to 1). Prints the area under the ROC over briefs left out, five folds.
Needs the extra ``evaluate``; seconds. Equal reads give equal weights.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.stats import rankdata

from fencun.adapter import described_adapter
from fencun.brief import parse_brief
from fencun.files import read_jsonl, sha256_json, write_json
from fencun.ranking import FILE, log_odds
from fencun.retrieval import open_retriever
from fencun.scenario import Scenario, load_scenario

NAMES = ("likelihood", "invented", "verifier")
SOFTNESS = 0.5
FOLDS = 5


def main() -> None:
    """Read, fit, say how well it does on briefs left out, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reads", type=Path)
    parser.add_argument("--scenario", default="spring_festival")
    options = parser.parse_args()
    scenario = load_scenario(options.scenario)
    adapter = described_adapter(scenario.folder / "adapter")
    assert adapter is not None, "the scenario has no adapter"
    rows = [row for _, row in read_jsonl(options.reads) if isinstance(row, dict)]
    inputs, fit = readings(scenario, rows), np.array([row["grade"] == 2 for row in rows])
    briefs = np.array([int(sha256_json(row["brief"])[:8], 16) % FOLDS for row in rows])
    left_out = np.zeros(len(rows))
    for fold in range(FOLDS):
        bias, weights = fitted(inputs[briefs != fold], fit[briefs != fold])
        left_out[briefs == fold] = bias + inputs[briefs == fold] @ weights
    print(f"{len(rows)} texts, {fit.sum()} fit; area under the ROC, each brief left out once:")
    for name, told in zip((*NAMES, "together"), (*inputs.T, left_out), strict=True):
        print(f"  {name}: {area(fit, told):.3f}")
    bias, weights = fitted(inputs, fit)
    found = dict(zip(NAMES, map(float, weights.round(4)), strict=True))
    mean = dict(zip(NAMES, map(float, inputs.mean(0).round(4)), strict=True))
    about = {"adapter": adapter.sha256, "reads": len(rows), "bias": round(float(bias), 4)}
    write_json(scenario.folder / FILE, {**about, **found, "mean": mean})


def readings(scenario: Scenario, rows: list[dict[str, Any]]) -> Any:
    """Return what is known of each text, (texts, readings), in the order of ``NAMES``."""
    retriever = open_retriever(scenario)
    assert retriever is not None, "the scenario has no written lines"
    return np.array([
        [row["mean_logprob"],
         retriever.invented(row["text"], parse_brief(scenario, row["brief"])),
         log_odds(row["verified"])]
        for row in rows
    ])  # fmt: skip


def fitted(inputs: Any, fit: Any) -> tuple[float, Any]:
    """Return bias and weights of a logistic regression, the weights held back on a common scale."""
    scale = inputs.std(0) + 1e-9
    signs = np.where(fit, 1.0, -1.0)

    def cost(free: Any) -> float:
        told = free[0] + (inputs / scale) @ free[1:]
        return float(np.logaddexp(0, -signs * told).sum() + SOFTNESS * (free[1:] ** 2).sum())

    best = minimize(cost, np.zeros(inputs.shape[1] + 1)).x
    return best[0], best[1:] / scale


def area(fit: Any, told: Any) -> float:
    """Return how often a fit text is told above an unfit one, ties half."""
    ranks, good = rankdata(told), int(fit.sum())
    return float((ranks[fit].sum() - good * (good + 1) / 2) / (good * (len(fit) - good)))


if __name__ == "__main__":
    main()
