"""``python -m fencun`` is the command line, for whoever has the interpreter but no script."""

from cli_case import fencun, run


def test_it_says_and_returns_what_the_command_does() -> None:
    told = fencun("scenario", "keys")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == run("scenario", "keys").output


def test_a_mistake_is_one_sentence_and_a_status() -> None:
    told = fencun("write", "--scenario", "nobody", "--json")
    assert told.returncode == 1
    assert "nobody" in told.stderr
    assert "Traceback" not in told.stderr
    assert fencun("wriet").returncode == 2
