"""The machine a run finds itself on, and how it should be used."""

import importlib.metadata
import os
import platform
import subprocess
from dataclasses import dataclass
from typing import Any

from fencun.home import PACKAGE

_PACKAGES = ("torch", "transformers", "peft", "safetensors", "gguf", "tokenizers", "xllamacpp")


def settle_threads() -> None:
    """Make idle worker threads sleep; call before torch is imported, or it has no effect.

    OpenMP threads wait for each other by spinning. On a machine that does anything else at
    the same time that made a step fifteen times slower; sleeping costs nothing to speak of.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("KMP_BLOCKTIME", "0")


@dataclass(frozen=True)
class Machine:
    """What was found. ``memory`` and ``gpu_memory`` are in bytes, 0 where unknown or absent.

    ``bf16`` and ``int8`` say whether products in bfloat16 and in 8-bit integers run on units
    made for them; of ``int8`` only those of a CPU count.
    """

    cores: int
    memory: int
    device: str
    gpu: str
    gpu_memory: int
    bf16: bool
    int8: bool
    cpu: str


def look_around() -> Machine:
    """Return what this machine offers; torch must be installed."""
    import torch

    from fencun.tune.forward.frozen import has_int8_units

    can = torch.cpu.get_capabilities()
    gpu = torch.cuda.is_available()
    properties: Any = torch.cuda.get_device_properties(0) if gpu else None
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        device="cuda" if gpu else "cpu",
        gpu=properties.name if properties else "",
        gpu_memory=properties.total_memory if properties else 0,
        bf16=gpu or bool(can.get("avx512_bf16") or can.get("amx_bf16")),
        int8=not gpu and has_int8_units(),
        cpu=can.get("cpu_name") or platform.processor() or platform.machine(),
    )


def versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of those that shape the numbers."""
    found = {"python": platform.python_version()}
    for name in ("fencun", *_PACKAGES):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def revision() -> str:
    """Return the git revision of this checkout, ``+`` behind it where files differ; else empty."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(PACKAGE), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        head = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", str(PACKAGE))
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{head}+" if head and changed else head
