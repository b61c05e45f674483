"""What all declarations are made of: words, patterns, and models that refuse unknown keys."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from fencun.mistakes import WrongError


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise WrongError(f"正则表达式 {pattern} 写错了：{error}", f"{pattern}: {error}") from error
    return pattern


Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Pattern = Annotated[Word, AfterValidator(_compiles)]
Patterns = tuple[Pattern, ...]


class Declared(BaseModel):
    """Base of everything a YAML file declares: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LengthRange(Declared):
    """Allowed length in characters, punctuation included, white space not; both ends count."""

    min: int = Field(ge=1, description="最少几个字|the fewest characters")
    max: int = Field(ge=1, description="最多几个字|the most characters")

    @model_validator(mode="after")
    def _ordered(self) -> "LengthRange":
        if self.min > self.max:
            raise WrongError("min 比 max 大", "min is above max")
        return self


def filled(declared: Any, key: str, *sources: str) -> Any:
    """Return ``declared`` with ``key`` filled in from the first of ``sources`` that is there.

    So is an English name optional: without one, people read the Chinese.
    """
    if not isinstance(declared, Mapping) or key in declared:
        return declared
    for source in sources:
        if source in declared:
            return {**declared, key: declared[source]}
    return declared
