"""A scenario as declared in YAML: what is asked for, what is allowed, what counts as tact.

No code knows about any one scenario. Gates and prompts find what they need by the
*role* of a dimension (who is addressed, what happened, how long), never by its name.
"""

from fencun.scenario.declared import Declared, LengthRange, Patterns
from fencun.scenario.dimension import EVE, Choice, Dimension, Kind, Person, Role
from fencun.scenario.load import load_scenario
from fencun.scenario.model import Advice, Scenario, ScenarioWords
from fencun.scenario.places import SHIPPED, flag, in_use, reference, scenario_names
from fencun.scenario.rules import Case, Rules
from fencun.scenario.tact import Handling, TactTopic

__all__ = [
    "EVE",
    "SHIPPED",
    "Advice",
    "Case",
    "Choice",
    "Declared",
    "Dimension",
    "Handling",
    "Kind",
    "LengthRange",
    "Patterns",
    "Person",
    "Role",
    "Rules",
    "Scenario",
    "ScenarioWords",
    "TactTopic",
    "flag",
    "in_use",
    "load_scenario",
    "reference",
    "scenario_names",
]
