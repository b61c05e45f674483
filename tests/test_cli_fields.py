"""The fields of a brief are flags, whatever the scenario calls them."""

import pytest
import typer
from cli_case import fake_engine, run

from fencun.author.new import make
from fencun.cli.fields import flags_told, read_flags, read_pairs
from fencun.scenario import load_scenario
from fencun.scenario.places import use


def test_fields_of_any_scenario_are_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_engine(monkeypatch)
    use(make("mine", "reply"))
    typed = (
        "--message",
        "杯子裂了",
        "--fault=我们的错",
        "--remedy",
        "换一个",
        "--size",
        "短",
        "-n",
        "1",
    )
    done = run("write", *typed)
    assert done.exit_code == 0, done.output
    assert "谁的错：是我们（我们的错）" in fake.calls[-1][0][-1]["content"]


def test_a_flag_that_is_no_field_is_told_with_those_there_are() -> None:
    thanks = load_scenario("thanks")
    with pytest.raises(typer.BadParameter, match=r"没有 --occasion 这一项；有：--salutation"):
        read_flags(thanks, ["--occasion", "除夕"])
    with pytest.raises(typer.BadParameter, match="--detail 后面要写内容"):
        read_flags(thanks, ["--detail", "--length", "短"])
    assert read_flags(thanks, ["--detail=a=b", "--length", "短"]) == {
        "detail": "a=b",
        "length": "短",
    }
    refused = run("write", "--occasion", "除夕", "--scenario", "thanks")
    assert refused.exit_code == 2
    assert "--since" in refused.output.replace("\n", "")


def test_help_names_the_fields_of_the_scenario_in_use() -> None:
    use(load_scenario("apology").folder)
    assert "--mend 怎么补" in flags_told()


def test_pairs_are_taken_apart_at_the_first_sign_and_told_where_there_is_none() -> None:
    assert read_pairs([" detail =a=b", "length="], "--ask") == {"detail": "a=b", "length": ""}
    with pytest.raises(typer.BadParameter, match="--ask 要写成 名=值：王老师"):
        read_pairs(["王老师"], "--ask")
