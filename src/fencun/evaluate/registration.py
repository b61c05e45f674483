"""What is settled of a study before anything is answered, and before anybody votes."""

from dataclasses import asdict, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fencun.evaluate.arms import ArmSpec
from fencun.files import sha256_json
from fencun.models.engine import Decoding
from fencun.scenario import Scenario

REGISTRATION = "study.json"
MOST_DRAWS = 8
_TOKENS_PER_CHARACTER = 1.3  # generous for the Qwen vocabulary: about 0.7 on Chinese prose


class Registration(BaseModel):
    """What was settled before anything was answered, and before anybody voted.

    ``hashes`` pins per arm what is not in its declaration: model file, adapter, prompt,
    retrieval base. ``unfit`` says why the task is none for fine-tuning, if it was declared.
    ``plan`` is how many votes are planned, for which effect, against whom and looked at when;
    ``unverified`` names what an adapter learnt from that could not be held against the briefs.
    Every arm writes ``draws`` texts for a brief, each with a seed of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    created: str
    scenario: str
    arms: tuple[ArmSpec, ...]
    hashes: dict[str, dict[str, str]]
    decoding: dict[str, Any]
    seed: int
    briefs: str
    rules: dict[str, Any]
    unfit: str = ""
    plan: dict[str, Any] | None = None
    unverified: tuple[str, ...] = ()
    draws: int = Field(default=1, ge=1, le=MOST_DRAWS)

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 of everything that makes two runs the same study."""
        declared = self.model_dump(exclude={"name", "created"}, mode="json")
        # Studies made before these were kept stay the same.
        for later, nothing in (("plan", None), ("unverified", []), ("draws", 1)):
            if declared[later] == nothing:
                del declared[later]
        return sha256_json(declared)

    @property
    def roles(self) -> dict[str, str]:
        """Role to arm."""
        return {arm.role: arm.name for arm in self.arms if arm.role}


def decoding_of(declared: dict[str, Any], scale: float, seed: int) -> Decoding:
    """Return the decoding that every arm shares, with this arm's adapter scale and the seed."""
    return replace(Decoding(**declared), adapter_scale=scale, seed=seed)


def shared_decoding(scenario: Scenario, temperature: float) -> dict[str, Any]:
    """Return the decoding of a study as plain data, without what differs between arms.

    Answers may run past the longest length that can be asked for, so that too long shows;
    how far, is the same for all.
    """
    decoding = Decoding(temperature=temperature)
    dimension = scenario.role("length")
    if dimension:
        longest = max(choice.range.max for choice in dimension.choices if choice.range)
        decoding = replace(decoding, max_tokens=int(longest * _TOKENS_PER_CHARACTER) + 24)
    declared = asdict(decoding)
    return {k: v for k, v in declared.items() if k not in ("adapter_scale", "seed")}
