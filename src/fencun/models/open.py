"""Open the engine that the user chose: a fetched model, a file, or an endpoint."""

import os
from collections.abc import Sequence
from pathlib import Path

from fencun.errors import ModelError
from fencun.models.embedded import EmbeddedEngine
from fencun.models.engine import Engine
from fencun.models.installed import chosen, locate


def in_use(model: str | None = None) -> str:
    """Return ``model`` or else what the environment and ``fencun model use`` decide.

    A catalog name, the path of a .gguf file, or ``http(s)://host/v1#model-id``.
    """
    if model is None and (url := os.environ.get("FENCUN_ENDPOINT", "").strip()):
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
    (``FENCUN_ENDPOINT`` with ``FENCUN_ENDPOINT_MODEL`` and ``FENCUN_ENDPOINT_KEY``, else
    ``FENCUN_MODEL``), and then ``fencun model use``. ``adapters`` are LoRA adapters as GGUF;
    an endpoint takes none. At most ``parallel`` requests run and ``waiting`` stand in line;
    each has ``context`` tokens, prompt and answer together (an endpoint has its own limit).

    Raises:
        ModelError: no such model, or it is not fetched yet (the error says how).
    """
    model = in_use(model)
    if model.startswith(("http://", "https://")):
        return _endpoint(model, adapters, parallel, waiting)
    found = locate(model)
    return EmbeddedEngine(
        found.path,
        name=found.name,
        adapters=adapters,
        parallel=parallel,
        waiting=waiting,
        context=context,
    )


def _endpoint(location: str, adapters: Sequence[Path], parallel: int, waiting: int) -> Engine:
    from fencun.models.endpoint import EndpointEngine

    url, _, model = location.partition("#")
    if not model:
        raise ModelError(
            "没有说用接口上的哪个模型：写成 http://地址/v1#模型名，或设 FENCUN_ENDPOINT_MODEL。",
            "Which model of the endpoint? Write http://host/v1#model, "
            "or set FENCUN_ENDPOINT_MODEL.",
        )
    if adapters:
        raise ModelError(
            "外部接口不能加载本地适配器；请在接口那一侧加载，或改用内置引擎。",
            "An endpoint cannot load a local adapter; load it there, or use the embedded engine.",
        )
    return EndpointEngine(
        url,
        model,
        api_key=os.environ.get("FENCUN_ENDPOINT_KEY", ""),
        parallel=parallel,
        waiting=waiting,
    )
