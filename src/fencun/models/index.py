"""The package index that the user's pip is configured with, mirrors included."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass

_LINE = re.compile(r"^(?P<section>[\w:-]+)\.(?P<key>[\w-]+)='(?P<value>.*)'$")
_SECTIONS = ("global", "download", "install", ":env:")


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """Where packages come from. ``urls`` are simple indexes, the main one first.

    ``certificates`` is the file of authorities that pip trusts; None for the usual ones.
    """

    urls: tuple[str, ...]
    certificates: str | None = None


def package_index() -> PackageIndex:
    """Return the index of pip's configuration and environment; the public one by default."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    options = _pip_options()
    main = options.get("index-url") or os.environ.get("UV_DEFAULT_INDEX") or PYPI_SIMPLE_ENDPOINT
    urls = (main, *options.get("extra-index-url", "").split())
    return PackageIndex(
        tuple(dict.fromkeys(url for url in urls if url.startswith(("http://", "https://")))),
        options.get("cert") or None,
    )


def _pip_options() -> dict[str, str]:
    """Return pip's options by name, those of the environment over those of its files.

    Without pip only the environment counts.
    """
    options: dict[str, str] = {}
    found = [match for line in _pip_config_list() if (match := _LINE.match(line.strip()))]
    for section in _SECTIONS:
        for match in found:
            if match["section"] == section:
                options[match["key"]] = match["value"].replace("\\n", " ")
    for name in ("index-url", "extra-index-url", "cert"):
        if value := os.environ.get(f"PIP_{name.replace('-', '_').upper()}"):
            options[name] = value
    return options


def _pip_config_list() -> list[str]:
    """Return what ``pip config list`` says; a virtual environment without pip asks its base."""
    for python in (sys.executable, getattr(sys, "_base_executable", sys.executable)):
        try:
            return subprocess.run(
                [python, "-m", "pip", "config", "list"],
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            ).stdout.splitlines()
        except (OSError, subprocess.SubprocessError):
            continue
    return []
