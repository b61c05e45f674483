"""``python -m fencun``: the command line, for whoever has this interpreter but no script."""

from fencun.cli import main

main()
