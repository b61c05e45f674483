"""Export an adapter in one format, and refuse it where it does not say the same."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fencun import files
from fencun.brief import parse_brief
from fencun.data.lines import read_samples
from fencun.models.engine import Message
from fencun.prompt import messages
from fencun.provenance import versions
from fencun.scenario import load_scenario
from fencun.tune.base import complete, find_base
from fencun.tune.compatibility import check_fits
from fencun.tune.config import TuneConfig, from_mapping
from fencun.tune.formats.gguf import export_gguf
from fencun.tune.formats.merged import export_merged
from fencun.tune.formats.ollama import modelfile
from fencun.tune.formats.opening import open_adapter, weights_file
from fencun.tune.formats.parity import check_parity
from fencun.tune.formats.shipped import Recommended, export_shipped
from fencun.tune.formats.vllm import vllm_command
from fencun.tune.lora import WEIGHTS
from fencun.tune.machine import PACKAGES
from fencun.tune.runs.folder import facts_of
from fencun.tune.training_files import data_files

_PROMPTS = 5


def export(
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
    adapter = open_adapter(folder)
    config = trained_options(facts, scenario_name)
    base = find_base(base_name or config.base)
    check_fits(adapter, base, folder)
    recommended = Recommended(scale, temperature)
    chats = parity_chats(config) if parity and to in ("gguf", "ollama", "merged") else []
    complete(base, weights=to in ("merged", "vllm") or bool(chats))
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
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
        export_gguf(adapter.scaled(scale), base, out / "adapter.gguf")
        text = modelfile(base, tokenizer, recommended, adapter="adapter.gguf")
        files.write_text(out / "Modelfile", text)
    if chats and base.gguf is not None:
        with TemporaryDirectory() as check:
            gguf = export_gguf(adapter, base, Path(check) / "adapter.gguf")
            peft = weights_file(folder).parent
            if not (peft / WEIGHTS).exists():
                adapter.save(peft := Path(check) / "peft", base.name)
            found = check_parity(
                base, tokenizer, chats, gguf=gguf, peft=peft, merged=merged,
                scale=scale,
            ).to_json()  # fmt: skip
    keep = (
        "method", "scenario", "data", "samples", "objective", "margin", "held_out", "resolved",
        "machine", "revision", "outcome", "given",
    )  # fmt: skip
    trained = {key: _without_places(facts[key]) for key in keep if key in facts}
    trained |= {"versions": versions(PACKAGES), "parity": found}
    if to == "gguf":
        trained["edits"] = trained_options(facts, "").edits
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
