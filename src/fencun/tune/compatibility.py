"""Does an adapter belong to a base? By its shape, and by what says which base it was made for."""

import re
from pathlib import Path

from fencun.errors import ModelError
from fencun.tune.base import TunableBase, identify
from fencun.tune.forward.decoder import Shape
from fencun.tune.lora import LoraAdapter, peft_name, widths
from fencun.tune.runs.folder import facts_of

_QUANTISED = re.compile(r"-(?:i?q\d\w*|f16|bf16|f32)$")


def check_fits(adapter: LoraAdapter, base: TunableBase, folder: Path | None = None) -> None:
    """Refuse an adapter that was made for another base than ``base``.

    ``folder`` is that of the run or adapter: the hash that it recorded decides. Without one the
    name does that PEFT recorded, where there is one.

    Raises:
        ModelError: names the first tensor that does not fit, or the base that it was made for.
    """
    _check_shapes(adapter, base)
    facts = facts_of(folder) if folder else {}
    made_for = facts.get("base")
    sha256 = made_for.get("sha256") if isinstance(made_for, dict) else facts.get("base_sha256")
    if sha256:
        if sha256 != base.sha256:
            raise ModelError(
                f"这个适配器是在另一个底座上训练的（哈希 {sha256[:12]}…，现在是 "
                f"{base.sha256[:12]}…）；用 --base 指定原来的底座。",
                f"This adapter was trained on another base (hash {sha256[:12]}, this is "
                f"{base.sha256[:12]}); name the right one with --base.",
            )
    elif adapter.made_for and not _is_called(base, adapter.made_for):
        raise ModelError(
            f"这个适配器是为 {adapter.made_for} 训练的，不是 {base.name}；"
            "用 --base 指定原来的底座。如果确是同一个，"
            "把 adapter_config.json 里的 base_model_name_or_path 改成它。",
            f"This adapter was made for {adapter.made_for}, not for {base.name}; name the right "
            "one with --base. If they are the same, say so in base_model_name_or_path of "
            "adapter_config.json.",
        )


def _check_shapes(adapter: LoraAdapter, base: TunableBase) -> None:
    layers = Shape.read(base.folder).layers
    expected = widths(base.folder)
    for layer in adapter.layers:
        for target in adapter.targets:
            out, inner = expected[target]
            down = adapter.tensors[peft_name(layer, target, "A")]
            up = adapter.tensors[peft_name(layer, target, "B")]
            fits = down.shape == (adapter.rank, inner) and up.shape == (out, adapter.rank)
            if layer >= layers or not fits:
                raise ModelError(
                    f"这个适配器不是为 {base.name} 训练的：第 {layer} 层 {target} 的形状对不上。",
                    f"This adapter was not made for {base.name}: "
                    f"{target} of layer {layer} does not fit.",
                )


def _is_called(base: TunableBase, declared: str) -> bool:
    """Whether ``declared``, a path or a name on a hub, is ``base``."""
    path = Path(declared).expanduser()
    if path.is_dir():
        return path.resolve() == base.folder.resolve() or _has_hash(path, base.sha256)
    if path.is_file():
        return identify(path).sha256 == base.sha256
    from fencun.models.catalog import catalog

    entry = catalog().models.get(base.name)
    if entry and "/" in declared:  # a catalog's short name leaves out that it is Instruct
        return _plain_name(declared) == _plain_name(entry.repository)
    names = [base.name, base.folder.name, entry.file if entry else base.name]
    names += [base.gguf.name] if base.gguf else []
    return _plain_name(declared) in {_plain_name(name) for name in names}


def _has_hash(path: Path, sha256: str) -> bool:
    try:
        return identify(path).sha256 == sha256
    except ModelError:
        return False


def _plain_name(name: str) -> str:
    last = name.rstrip("/").rpartition("/")[2].lower()
    return _QUANTISED.sub("", last.removesuffix(".gguf")).removesuffix("-gguf")
