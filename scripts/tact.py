"""Trains the classifier of sensitive matters: ``python scripts/tact.py`` writes its weights.

It learns from ``tact/train.jsonl`` of the scenario (a detail and its topic, or null where it only
looks alike) and from the details of its training lines that no cue betrays. Needs the extra
``data``; two minutes on two cores. Equal data give equal weights.
"""

import argparse
import base64
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from scipy.optimize import minimize

from fencun.files import read_jsonl, write_json
from fencun.scenario import Scenario, load_scenario
from fencun.tact import buckets, cue_text, pieces

BUCKETS = 1 << 14
SOFTNESS = 20.0  # the larger, the less the weights are held back
OTHERS = 0.5  # what a piece of the dataset's details weighs beside one of the file
THRESHOLD = 0.8


def main() -> None:
    """Read, train, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="spring_festival")
    parser.add_argument("--out", type=Path, help="default: the scenario's own file")
    options = parser.parse_args()
    scenario = load_scenario(options.scenario)
    topics = [topic.name for topic in scenario.tact]
    examples = learn_from(scenario)
    inputs = scipy.sparse.vstack([features(piece) for piece, _, _ in examples]).tocsr()
    labels = np.array([topics.index(topic) + 1 if topic else 0 for _, topic, _ in examples])
    weights = np.array([weight for _, _, weight in examples])
    rows, bias = fit(inputs, labels, weights, len(topics) + 1)
    out = options.out or scenario.folder / "tact" / "model.json"
    write_json(out, packed(topics, rows, bias))
    print(f"{len(examples)} pieces, {out.stat().st_size} bytes -> {out}")


def learn_from(scenario: Scenario) -> list[tuple[str, str | None, float]]:
    """Return pieces of details, what each betrays, and its weight."""
    found: list[tuple[str, str | None, float]] = []
    for row in rows_of(scenario.folder / "tact" / "train.jsonl"):
        detail = cue_text(row["detail"])
        learnt = [detail] if row["topic"] else pieces(detail)
        found += [(piece, row["topic"], 1.0) for piece in learnt]
    cues = scenario.model_copy(update={"tact_model": ""})
    for detail in sorted(innocent_details(scenario.folder, cues)):
        found += [(piece, None, OTHERS) for piece in pieces(cue_text(detail)) if piece]
    return found


def innocent_details(folder: Path, cues: Scenario) -> set[str]:
    """Return the details of the training lines that have no matter marked and betray none."""
    paths = [folder / "dataset" / "train.jsonl", folder / "plain" / "train.jsonl"]
    details = {row["detail"] for path in paths for row in rows_of(path) if not row["tact"]}
    return {detail for detail in details if not cues.topics_in(detail)}


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file; the first broken one is raised."""
    rows = []
    for _, row in read_jsonl(path):
        if isinstance(row, Exception):
            raise row
        rows.append(row)
    return rows


def features(piece: str) -> Any:
    """Return one sparse row, of length one."""
    at = sorted(buckets(piece, BUCKETS))
    values = np.full(len(at), 1 / np.sqrt(max(1, len(at))))
    return scipy.sparse.csr_matrix((values, ([0] * len(at), at)), shape=(1, BUCKETS))


def fit(inputs: Any, labels: Any, weights: Any, classes: int) -> tuple[Any, Any]:
    """Return rows of weights (buckets by classes) and the bias that explain ``labels`` best."""
    used = np.unique(inputs.indices)
    seen, told_apart = inputs[:, used], np.eye(classes)[labels]

    def loss(flat: Any) -> tuple[float, Any]:
        rows, bias = flat[:-classes].reshape(len(used), classes), flat[-classes:]
        scores = seen @ rows + bias
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        missed = -(weights * np.log((chances * told_apart).sum(axis=1) + 1e-12)).sum()
        slope = (chances - told_apart) * weights[:, None]
        down = np.concatenate([(seen.T @ slope + rows / SOFTNESS).ravel(), slope.sum(axis=0)])
        return missed + (rows**2).sum() / (2 * SOFTNESS), down

    start = np.zeros(len(used) * classes + classes)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 80}).x
    rows = np.zeros((BUCKETS, classes))
    rows[used] = best[:-classes].reshape(len(used), classes)
    return rows, best[-classes:]


def packed(topics: list[str], rows: Any, bias: Any) -> dict[str, Any]:
    """Return the weights in whole steps of ``unit``, rows of zeros left out."""
    unit = float(np.abs(rows).max() / 127)
    steps = np.rint(rows / unit).astype(np.int8)
    kept = np.flatnonzero(steps.any(axis=1)).astype("<u2")
    return {
        "topics": topics,
        "buckets": BUCKETS,
        "unit": unit,
        "threshold": THRESHOLD,
        "bias": [round(float(each), 6) for each in bias],
        "places": base64.b64encode(zlib.compress(kept.tobytes(), 9)).decode(),
        "rows": base64.b64encode(zlib.compress(steps[kept].tobytes(), 9)).decode(),
    }


if __name__ == "__main__":
    main()
