"""How fit a text is held, from what is known of it: the order in which drafts are shown.

A logistic regression over three readings, its weights fitted to what readers said of the model's
own drafts (``scripts/ranking.py``): how likely the model itself held the text, how much of it
stands neither in the brief nor in written lines, and what the verifier holds.
"""

import json
import math
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from fencun.errors import ScenarioError
from fencun.scenario import Scenario

FILE = "ranking.json"
_SUREST = 1e-3  # a probability nearer to 0 or 1 says no more than this
_FARTHEST = 30.0  # log-odds beyond which nothing is surer


class Ranking(BaseModel):
    """Weights of one adapter's texts; a reading that is not to be had counts as the ``mean`` one.

    ``likelihood`` weighs the mean log-probability of a token in nats, ``invented`` the share of
    the text that is nobody's, ``verifier`` its log-odds. ``adapter`` is the sha256 of the weights
    whose drafts were read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    adapter: str
    reads: int
    bias: float
    likelihood: float
    invented: float
    verifier: float
    mean: dict[str, float]

    def probability(
        self, likelihood: float | None, invented: float | None, verified: float | None
    ) -> float:
        """Return how probable it is, from 0 to 1, that the text can be sent as it stands."""
        readings = {
            "likelihood": likelihood,
            "invented": invented,
            "verifier": None if verified is None else log_odds(verified),
        }
        odds = self.bias + sum(
            getattr(self, name) * (self.mean[name] if value is None else value)
            for name, value in readings.items()
        )
        return 1 / (1 + math.exp(min(_FARTHEST, max(-_FARTHEST, -odds))))


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability, in nats, kept finite."""
    held = min(max(probability, _SUREST), 1 - _SUREST)
    return math.log(held / (1 - held))


def read_ranking(scenario: Scenario) -> Ranking | None:
    """Return the weights that ship with ``scenario``; None where there are none.

    Raises:
        ScenarioError: the file is malformed.
    """
    path: Path = scenario.folder / FILE
    if not path.is_file():
        return None
    try:
        return Ranking.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError) as error:
        raise ScenarioError(
            f"{path} 读不了；重新算一遍：python scripts/ranking.py。",
            f"Cannot read {path}; make it again: python scripts/ranking.py.",
        ) from error
