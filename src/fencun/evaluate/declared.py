"""What people declare in YAML: arms, rules, answers to the interview."""

from pathlib import Path
from typing import Any

import yaml

from fencun.errors import FencunError


def read_yaml(path: Path) -> Any:
    """Return what the YAML (or JSON) file ``path`` holds, as plain data.

    Raises:
        FencunError: it cannot be opened or is no YAML; says where.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FencunError(
            f"打不开 {path}：{error.strerror}。", f"Cannot open {path}: {error.strerror}."
        ) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        at = getattr(error, "problem_mark", None)
        zh, en = (f"第 {at.line + 1} 行", f"line {at.line + 1}") if at else ("里面", "inside")
        raise FencunError(
            f"{path} {zh}读不了：不是 UTF-8 的 YAML。",
            f"{path} cannot be read, {en}: it is no YAML in UTF-8.",
        ) from error
