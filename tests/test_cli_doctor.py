"""``fencun doctor``: what is there, what is missing, how fast it is."""

import json
import re

import pytest
from cli_case import fencun


@pytest.mark.model
@pytest.mark.slow
def test_doctor_measures_the_model() -> None:
    ended = fencun("doctor", "--json")
    told = {check["name"]: check for check in json.loads(ended.stdout)}
    assert ended.returncode == 0, ended.stderr
    assert told["模型"]["ok"]
    assert re.search(r"每秒 \d+ 词元", told["速度"]["told"])


def test_doctor_tells_what_to_do_without_a_model() -> None:
    ended = fencun("doctor", "--no-speed")
    assert ended.returncode == 1
    assert "fencun model fetch" in ended.stdout
