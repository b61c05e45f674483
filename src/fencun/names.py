"""What people call themselves, as it is kept: of a reviewer, a rater, the holder of a token."""

NAME_CHARS = 40


def tidy_name(typed: str) -> str:
    """Return ``typed`` in one line, what cannot be shown left out, cut to 40 characters.

    Empty where nothing is left.
    """
    readable = "".join(char for char in typed if char.isprintable() or char.isspace())
    return " ".join(readable.split())[:NAME_CHARS].rstrip()
