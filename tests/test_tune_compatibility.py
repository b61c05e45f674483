"""An adapter is loaded on the base that it was made for, and on no other."""

import json
from pathlib import Path

import pytest
from tune_tiny import tiny_base

from fencun.errors import ModelError
from fencun.tune.base import TunableBase, identify
from fencun.tune.compatibility import check_fits
from fencun.tune.formats.export import export
from fencun.tune.lora import LoraAdapter, widths


@pytest.fixture
def base(tmp_path: Path) -> TunableBase:
    return identify(tiny_base(tmp_path / "base"))


def _adapter(base: TunableBase, made_for: str = "") -> LoraAdapter:
    made = LoraAdapter.fresh(widths(base.folder), rank=2, alpha=4, layers=range(1, 3))
    made.made_for = made_for
    return made


def test_another_shape_is_refused(tmp_path: Path, base: TunableBase) -> None:
    shallow = TunableBase("shallow", tiny_base(tmp_path / "shallow", layers=2), "b" * 64, None)
    with pytest.raises(ModelError, match="shallow"):
        check_fits(_adapter(base), shallow)


def test_the_hash_that_a_run_recorded_decides(tmp_path: Path, base: TunableBase) -> None:
    adapter = _adapter(base, made_for="someone/else")
    adapter.save(tmp_path / "run", "someone/else")
    manifest = tmp_path / "run" / "manifest.json"
    manifest.write_text(json.dumps({"base": {"sha256": "c" * 64}}))
    with pytest.raises(ModelError, match="另一个底座"):
        export(tmp_path / "run", tmp_path / "out", "peft", base_name=str(base.folder))
    manifest.write_text(json.dumps({"base": {"sha256": base.sha256}}))
    check_fits(adapter, base, tmp_path / "run")


@pytest.mark.parametrize(
    "made_for",
    ["", "Qwen/Qwen2.5-Coder-1.5B-Instruct", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
     "/gone/Qwen2.5-Coder-1.5B-Instruct/", "qwen2.5-coder-1.5b"],
)  # fmt: skip
def test_other_names_of_the_same_base_are_known(base: TunableBase, made_for: str) -> None:
    named = TunableBase("qwen2.5-coder-1.5b", base.folder, base.sha256, None)
    check_fits(_adapter(base, made_for), named)


@pytest.mark.parametrize(
    "made_for", ["Qwen/Qwen2.5-1.5B-Instruct", "Qwen/Qwen2.5-Coder-1.5B", "qwen2.5-coder-0.5b"]
)
def test_the_name_of_another_base_is_refused(base: TunableBase, made_for: str) -> None:
    named = TunableBase("qwen2.5-coder-1.5b", base.folder, base.sha256, None)
    with pytest.raises(ModelError, match="base_model_name_or_path"):
        check_fits(_adapter(base, made_for), named)


def test_a_folder_is_known_by_its_weights_not_by_its_name(
    tmp_path: Path, base: TunableBase
) -> None:
    same = tiny_base(tmp_path / "same")
    other = tiny_base(tmp_path / "elsewhere" / "base", seed=1)
    check_fits(_adapter(base, str(same)), base)
    with pytest.raises(ModelError, match="elsewhere"):
        check_fits(_adapter(base, str(other)), base)
