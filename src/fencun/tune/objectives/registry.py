"""The objectives by the name that ``--method`` and a run's config.json give them."""

from typing import Any

from fencun.errors import FencunError
from fencun.tune.objectives.dpo import Dpo
from fencun.tune.objectives.objective import Objective
from fencun.tune.objectives.sft import Sft
from fencun.tune.objectives.verify import Verify

OBJECTIVES: dict[str, type[Objective[Any]]] = {"sft": Sft, "dpo": Dpo, "verifier": Verify}


def make_objective(name: str, options: dict[str, Any]) -> Objective[Any]:
    """Return the objective called ``name``, made of ``options``.

    Raises:
        FencunError: there is none of that name, or it is not made of these.
    """
    if name not in OBJECTIVES:
        raise FencunError(
            f"没有方法 {name[:24]}；可选：{'、'.join(OBJECTIVES)}。",
            f"There is no method {name[:24]!r}; choose from {', '.join(OBJECTIVES)}.",
        )
    try:
        return OBJECTIVES[name](**options)
    except TypeError as error:
        raise FencunError(
            f"这次微调的选项（{name}）不是这个版本的，接不上；请换一个文件夹重新开始。",
            f"The options of this run ({name}) are not those of this version; start anew in "
            "another folder.",
        ) from error
