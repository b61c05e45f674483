"""How vLLM serves a base and its adapter."""

from pathlib import Path

from fencun.tune.base import TunableBase
from fencun.tune.lora import LoraAdapter


def vllm_command(base: TunableBase, adapter: LoraAdapter, folder: Path) -> str:
    """Return the command that serves base and adapter with vLLM, thinking off."""
    ranks = (8, 16, 32, 64, 128, 256)
    largest = next((rank for rank in ranks if rank >= adapter.rank), adapter.rank)
    return (
        f"vllm serve {base.folder} --served-model-name {base.name} \\\n"
        f"  --enable-lora --max-lora-rank {largest} --lora-modules fencun={folder} \\\n"
        "  --default-chat-template-kwargs '{\"enable_thinking\": false}' \\\n"
        "  --dtype bfloat16 --max-model-len 2048\n"
    )
