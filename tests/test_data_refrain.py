"""Openings and endings that a batch says too often."""

from fencun.data.refrain import Refrains, ending, opening


def test_openings_and_endings_know_the_salutation() -> None:
    assert opening("王老师，给您拜年了，天冷。", "王老师") == "给您拜年了天"
    assert ending("天冷，少站风口，多穿一件。") == "少站风口多穿一件"


def test_a_refrain_keeps_the_first_ones_of_its_share() -> None:
    refrains = Refrains()
    for at in range(100):
        same = at % 10 == 0
        text = (
            f"灶上的汤滚了{at:03d}" if same else f"{at:03d}窗外下雪了你出门{at:03d}多穿一件{at:03d}"
        )
        refrains.add(text, "")
    found = refrains.findings()
    assert sorted(found) == [50, 60, 70, 80, 90], "ten lines open alike, five may"
    assert {finding.gate for findings in found.values() for finding in findings} == {"openings"}
