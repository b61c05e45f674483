"""Open the engine that the user chose: a fetched model, a file, or an endpoint."""

import os
from collections.abc import Sequence
from pathlib import Path

from fencun.errors import ModelError
from fencun.models.embedded import EmbeddedEngine
from fencun.models.engine import Engine
from fencun.models.gguf import check_adapter
from fencun.models.installed import Installed, chosen, locate, receipt_of
from fencun.models.integrity import require_hash, require_sound

# What a process elsewhere must know to open the same engine.
SETTINGS = (
    "FENCUN_ENDPOINT",
    "FENCUN_ENDPOINT_MODEL",
    "FENCUN_ENDPOINT_KEY",
    "FENCUN_ENDPOINT_TUNED",
    "FENCUN_MODEL",
)


def in_use(model: str | None = None) -> str:
    """Return ``model`` or else what the environment and ``fencun model use`` decide.

    A catalog name, the path of a .gguf file, or ``http(s)://host/v1#model-id``.

    Raises:
        ModelError: the environment names an endpoint that is no URL.
    """
    if model is None and (url := os.environ.get("FENCUN_ENDPOINT", "").strip()):
        if not is_endpoint(url):
            raise ModelError(
                "FENCUN_ENDPOINT 要以 http:// 或 https:// 开头，如 http://127.0.0.1:8000/v1。",
                "FENCUN_ENDPOINT must begin with http:// or https://, "
                "such as http://127.0.0.1:8000/v1.",
            )
        return f"{url}#{os.environ.get('FENCUN_ENDPOINT_MODEL', '').strip()}"
    return model or chosen()


def open_engine(
    model: str | None = None,
    *,
    adapters: Sequence[Path] = (),
    parallel: int = 4,
    waiting: int = 128,
    context: int = 3072,
) -> Engine:
    """Return an engine; nothing is loaded or connected before its first request.

    ``model`` is a catalog name, the path of a .gguf file, or an OpenAI-compatible endpoint
    as ``http(s)://host/v1#model-id``. Where it is None the environment decides
    (``FENCUN_ENDPOINT``, one or several by commas, with ``FENCUN_ENDPOINT_MODEL``,
    ``FENCUN_ENDPOINT_KEY`` and, where they offer a tuned model, ``FENCUN_ENDPOINT_TUNED``; else
    ``FENCUN_MODEL``), and then ``fencun model use``. ``adapters`` are LoRA adapters as GGUF;
    an endpoint takes none. At most ``parallel`` requests run and ``waiting`` stand in line;
    each has ``context`` tokens, prompt and answer together (an endpoint has its own limit).

    Raises:
        ModelError: no such model, its file or the adapter is not what it should be, it is not
            fetched yet (the error says how), or an address or key that none can be.
        ProxyError: the environment names a proxy that cannot be used.
    """
    model = in_use(model)
    if is_endpoint(model):
        return _endpoint(model, adapters, parallel, waiting)
    found = verified(locate(model))
    for adapter in adapters:
        require_sound(adapter, check_adapter)
    return EmbeddedEngine(
        found.path,
        name=found.name,
        adapters=adapters,
        parallel=parallel,
        waiting=waiting,
        context=context,
    )


def verified(found: Installed) -> Installed:
    """Return ``found`` once its file has the hash that the catalog, or its fetch, recorded.

    Raises:
        ModelError: it has another one.
    """
    receipt = receipt_of(found.path) or {}
    recorded = found.entry.sha256 if found.entry else None
    recorded = recorded or (receipt.get("sha256") if receipt.get("name") == found.name else None)
    if isinstance(recorded, str):
        require_hash(
            found.path,
            recorded,
            (
                f"请重新下载：fencun model fetch {found.name}",
                f"Fetch it again: fencun model fetch {found.name}",
            ),
        )
    return found


def _endpoint(location: str, adapters: Sequence[Path], parallel: int, waiting: int) -> Engine:
    from fencun.models.endpoint import EndpointEngine
    from fencun.models.pool import PoolEngine

    urls, _, model = location.partition("#")
    if not model:
        raise _nameless()
    if adapters:
        raise ModelError(
            "外部接口不能加载本地适配器；请在接口那一侧加载，或改用内置引擎。",
            "An endpoint cannot load a local adapter; load it there, or use the embedded engine.",
        )
    several = urls.replace(",", " ").split()
    engines = [
        EndpointEngine(
            url,
            model,
            api_key=os.environ.get("FENCUN_ENDPOINT_KEY", ""),
            tuned=tuned_model(),
            parallel=parallel,
            waiting=waiting,
            retries=0 if len(several) > 1 else 3,
        )
        for url in several
    ]
    return engines[0] if len(engines) == 1 else PoolEngine(engines)


def _nameless() -> ModelError:
    return ModelError(
        "没有说用接口上的哪个模型：写成 http://地址/v1#模型名，或设 FENCUN_ENDPOINT_MODEL。",
        "Which model of the endpoint? Write http://host/v1#model, or set FENCUN_ENDPOINT_MODEL.",
    )


def is_endpoint(location: str) -> bool:
    """Whether ``location`` (see :func:`in_use`) is an endpoint rather than a model's file."""
    return location.startswith(("http://", "https://"))


def model_name(model: str | None = None) -> str:
    """Return the id of ``model`` (see :func:`in_use`), as an engine on it would call it.

    Raises:
        ModelError: no such model, or an endpoint without a model.
    """
    model = in_use(model)
    if not is_endpoint(model):
        return locate(model).name
    _, _, name = model.partition("#")
    if not name:
        raise _nameless()
    return name


def tuned_model() -> str:
    """Return the id of the tuned model that the endpoint offers; empty where none is told."""
    return os.environ.get("FENCUN_ENDPOINT_TUNED", "").strip()
