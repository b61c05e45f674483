"""The reference of keys in docs/scenario is what the models say, and none is missing."""

from pathlib import Path

import pytest
from cli_case import run

from fencun.author.reference import PLACES, reference
from fencun.language import Language
from fencun.scenario import Declared

DOCS = Path(__file__).parents[1] / "docs"
PAGES: tuple[tuple[str, Language], ...] = (("scenario.md", "en"), ("scenario.zh-CN.md", "zh"))


@pytest.mark.parametrize(("page", "language"), PAGES)
def test_the_guide_holds_the_reference_as_it_is(page: str, language: Language) -> None:
    assert (DOCS / page).read_text(encoding="utf-8").endswith(f"\n\n{reference(language)}")


def test_no_model_and_no_key_is_missing() -> None:
    told = [model for _, model in PLACES]
    of_scenarios = ("fencun.scenario.", "fencun.data.")  # what evaluation declares is its own
    declared = {m for m in Declared.__subclasses__() if m.__module__.startswith(of_scenarios)}
    assert set(told) == declared
    for model in told:
        for key, field in model.model_fields.items():
            if key == "folder":
                continue
            zh, bar, en = (field.description or "").partition("|")
            assert all((zh, bar, en)), (model.__name__, key)
            assert f"| `{key}` |" in reference("zh")


def test_the_command_prints_it() -> None:
    assert run("scenario", "keys").output.rstrip() == reference("zh").rstrip()
