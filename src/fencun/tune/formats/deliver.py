"""Export an adapter in one format, and refuse it where it does not say the same."""

from pathlib import Path
from typing import Any

from fencun import files
from fencun.brief import parse_brief
from fencun.data.lines import read_samples
from fencun.errors import ModelError
from fencun.models.engine import Message
from fencun.prompt import messages
from fencun.scenario import load_scenario
from fencun.tune.base import Base, complete, find_base
from fencun.tune.config import TuneConfig, from_mapping
from fencun.tune.datasets import data_files
from fencun.tune.formats.export import (
    Recommended,
    export_gguf,
    export_merged,
    export_shipped,
    modelfile,
    scaled,
    vllm_command,
)
from fencun.tune.formats.parity import check_parity
from fencun.tune.lora import LoraAdapter, check_fits, weights_of
from fencun.tune.machine import versions
from fencun.tune.runs.folder import facts_of

_PROMPTS = 5


def deliver(
    folder: Path,
    out: Path,
    to: str,
    *,
    base_name: str = "",
    scenario_name: str = "",
    scale: float = 1.0,
    temperature: float = 0.2,
    parity: bool = True,
) -> dict[str, Any]:
    """Export the adapter of the run (or adapter folder) ``folder`` to ``out``; return the facts.

    ``scenario_name`` is the one whose briefs the export is verified on; empty for that of the run.
    ``to`` is one of gguf (with a manifest beside it: what ships with a scenario),
    peft, merged, ollama, vllm.

    Raises:
        ModelError: the adapter was made for another base, or the parity check fails; what was
            written is then marked by having no manifest.
    """
    from transformers import AutoTokenizer

    facts = facts_of(folder)
    adapter = LoraAdapter.load(weights_of(folder))
    config = trained_options(facts, scenario_name)
    base = complete(find_base(base_name or config.base))
    check_fits(adapter, base)
    _refuse_other_base(facts, base)
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    recommended = Recommended(scale, temperature)
    chats = parity_chats(config) if parity and to in ("gguf", "ollama", "merged") else []
    found: dict[str, Any] | None = None
    merged = None
    if to == "merged":
        merged = export_merged(adapter, base, out, scale=scale)
    elif to == "peft":
        adapter.save(out, base.name)
    elif to == "vllm":
        adapter.save(out / "adapter", base.name)
        files.write_text(out / "vllm.sh", vllm_command(base, adapter, out / "adapter"))
    elif to == "ollama":
        export_gguf(scaled(adapter, scale), base, out / "adapter.gguf")
        text = modelfile(base, tokenizer, recommended, adapter="adapter.gguf")
        files.write_text(out / "Modelfile", text)
    if chats and base.gguf is not None:
        check = out / "check"
        adapter.save(check, base.name)
        gguf = export_gguf(adapter, base, check / "adapter.gguf")
        found = check_parity(
            base, tokenizer, chats, gguf=gguf, peft=check, merged=merged, scale=scale
        ).to_json()
        for path in check.iterdir():
            path.unlink()
        check.rmdir()
    keep = (
        "method", "scenario", "data", "samples", "objective", "margin", "resolved", "machine",
        "revision", "outcome", "given",
    )  # fmt: skip
    trained = {key: _without_places(facts[key]) for key in keep if key in facts}
    trained |= {"versions": versions(), "parity": found}
    if to == "gguf":
        return export_shipped(adapter, base, out, recommended, trained)
    manifest = {"format": to, "base": base.name, "base_sha256": base.sha256, **trained}
    files.write_json(out / "manifest.json", manifest)
    return manifest


def _without_places(value: Any) -> Any:
    """Return ``value`` with absolute paths cut to their names: what ships tells of no machine."""
    if isinstance(value, dict):
        return {key: _without_places(item) for key, item in value.items()}
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return value


def _refuse_other_base(facts: dict[str, Any], base: Base) -> None:
    made_for = facts.get("base")
    sha256 = made_for.get("sha256") if isinstance(made_for, dict) else facts.get("base_sha256")
    if sha256 and sha256 != base.sha256:
        raise ModelError(
            f"这个适配器是在另一个底座上训练的（哈希 {sha256[:12]}…，现在是 "
            f"{base.sha256[:12]}…）；用 --base 指定原来的底座。",
            f"This adapter was trained on another base (hash {sha256[:12]}, this is "
            f"{base.sha256[:12]}); name the right one with --base.",
        )


def trained_options(facts: dict[str, Any], scenario_name: str) -> TuneConfig:
    """Return the options of the run that ``facts`` tell of; a scenario that is named wins."""
    config = from_mapping(facts["resolved"]) if "resolved" in facts else TuneConfig()
    if scenario_name:
        config = config.replaced(scenario=scenario_name, data="", train="", validation="")
    return config


def parity_chats(config: TuneConfig) -> list[list[Message]]:
    """Return the chats that exports are compared on: the first few validation briefs of a run."""
    scenario = load_scenario(config.scenario)
    _, validation = data_files(config, scenario)
    samples = sorted(read_samples(validation, scenario), key=lambda sample: sample.hash)
    return [messages(parse_brief(scenario, s.brief), "tuned") for s in samples[:_PROMPTS]]
