"""Every command that README and docs show is run, top to bottom, as a reader would.

A fenced ``bash`` block is run unless an HTML comment ``<!-- not run: why -->`` stands
before it. ``fencun serve`` is started in the background and ended with its document.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("README*.md", "docs/*.md")
    for path in ROOT.glob(pattern)
)
_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]+?) -->\s*)?^```bash\n(?P<code>.*?)^```",
    re.DOTALL | re.MULTILINE,
)
_SERVE = re.compile(r"^(fencun serve.*)$", re.MULTILINE)
_IN_BACKGROUND = r"""
\1 &
servers+=($!)
for _ in $(seq 120); do curl -sf -o /dev/null http://127.0.0.1:8765/ && break; sleep 0.5; done
"""
_HEAD = """
set -euo pipefail
servers=()
trap '((${#servers[@]})) && kill "${servers[@]}"; wait' EXIT
set -x
"""


def blocks(document: str) -> list[str]:
    """Return the code of the blocks of ``document`` that are to be run."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [match["code"] for match in _BLOCK.finditer(text) if not match["reason"]]


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if not d.endswith(".zh-CN.md")])
@pytest.mark.model
@pytest.mark.slow
def test_the_commands_of_a_document_work(document: str, tmp_path: Path, own_home: Path) -> None:
    code = "\n".join(blocks(document))
    if not code:
        return
    for name in ("scenarios", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "FENCUN_HOME": str(own_home),
        "HOME": str(tmp_path),
    }
    ended = subprocess.run(
        ["bash", "-c", _HEAD + _SERVE.sub(_IN_BACKGROUND, code)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert ended.returncode == 0, f"{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d.endswith(".zh-CN.md")])
def test_a_chinese_document_gives_the_commands_of_its_english_twin(document: str) -> None:
    """So running the English one proves both."""
    english = document.replace(".zh-CN.md", ".md")
    assert english in DOCUMENTS, f"{document} has no English twin"
    assert [_bare(block) for block in blocks(document)] == [
        _bare(block) for block in blocks(english)
    ]


def _bare(code: str) -> str:
    """Leave out comments, which are in the reader's language."""
    return re.sub(r"\s+# .*$|^# .*\n", "", code, flags=re.MULTILINE)
