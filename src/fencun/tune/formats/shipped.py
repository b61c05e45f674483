"""What ships with a scenario: the adapter as GGUF and, written last, its manifest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fencun import adapter as shipped
from fencun import files
from fencun.tune.base import TunableBase
from fencun.tune.formats.gguf import export_gguf
from fencun.tune.lora import LoraAdapter


@dataclass(frozen=True)
class Recommended:
    """How the adapter should be used; ``scale`` multiplies its update, 1 is as trained."""

    scale: float = 1.0
    temperature: float = 0.2


def export_shipped(
    adapter: LoraAdapter,
    base: TunableBase,
    folder: Path,
    recommended: Recommended,
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Write what ships with a scenario: GGUF in float16, and last the manifest.

    ``facts`` (how it was trained) go into the manifest beside what serving needs.
    """
    manifest_path = folder / shipped.MANIFEST
    manifest_path.unlink(missing_ok=True)
    export_gguf(adapter, base, folder / shipped.GGUF)
    manifest = {
        "base": base.name,
        "base_sha256": base.sha256,
        "sha256": files.sha256_file(folder / shipped.GGUF),
        "scale": recommended.scale,
        "temperature": recommended.temperature,
        "rank": adapter.rank,
        "alpha": adapter.alpha,
        "layers": list(adapter.layers),
        **facts,
    }
    files.write_json(manifest_path, manifest)
    return manifest
