"""Which larger bases a machine has room for, and what each would bring and cost, by its size.

Everything is reckoned from what the catalog says of the files. How well a base writes is not
in a catalog; that is found out by reading.
"""

from dataclasses import dataclass

from fencun.models.catalog import CatalogModel, catalog
from fencun.models.installed import path_of

_GIB = 1 << 30
OTHERS = 1.0  # GiB that everything else on the machine is left


@dataclass(frozen=True, slots=True)
class LargerBase:
    """A base larger than the default one.

    ``parameters`` and ``reading`` say how many times the default's parameters it has, and how
    many times the bytes that the engine reads for a token, which is what a CPU waits for.
    """

    model: CatalogModel
    fits: bool
    fetched: bool
    parameters: float
    reading: float


def billions(model: CatalogModel) -> float:
    """Return the parameters of a model, in thousands of millions."""
    return float(model.parameters.removesuffix("B"))


def larger_bases(memory: int) -> list[LargerBase]:
    """Return the bases of the catalog larger than the default, for ``memory`` bytes in all."""
    known = catalog()
    usual = known.find(known.default)
    return [
        LargerBase(
            model,
            (model.memory_gib + OTHERS) * _GIB <= memory,
            path_of(model).is_file(),
            billions(model) / billions(usual),
            (model.size or 0) / (usual.size or 1),
        )
        for model in sorted(known.models.values(), key=billions)
        if billions(model) > billions(usual)
    ]


def largest(fits: list[LargerBase]) -> LargerBase | None:
    """Return the largest base that fits; None where none does."""
    return max((fit for fit in fits if fit.fits), key=lambda fit: fit.parameters, default=None)
