"""Answers to the interview that speak for tuning, and the command as typed."""

from typer.testing import CliRunner, Result

from fencun.cli import app_for

FIT = {
    "kind": "expression",
    "fresh": "never",
    "capable": "sometimes",
    "prompt": "unstable",
    "gap": "voice",
    "examples": "yes",
    "agree": "mostly",
    "volume": "thousands",
    "raters": "yes",
    "stakes": "reviewed",
}


def run(*arguments: str, said: str | None = None) -> Result:
    return CliRunner().invoke(app_for(list(arguments)), arguments, input=said)
