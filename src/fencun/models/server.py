"""The child process that holds the model: ``python -m fencun.models.server``.

It reads its settings as one line of JSON on standard input (so that the API key is
on no command line), answers one line of JSON on standard output (``{"url": …}`` or
``{"error": …}``), and then serves llama.cpp's HTTP API until standard input closes:
the parent holds the other end, so the child never outlives it.
"""

import ctypes
import json
import os
import signal
import sys
from typing import IO, Any

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve one model until the parent goes."""
    ready = _take_stdout()
    settings = json.loads(sys.stdin.readline())
    _die_with(settings["parent"])
    try:
        server = start(settings)
    except Exception as error:
        _say(ready, {"error": str(error)})
        os._exit(1)
    _say(ready, {"url": server.listening_address})
    sys.stdin.read()
    os._exit(0)  # no tidying: the C++ threads may be busy for seconds


def start(settings: dict[str, Any]) -> Any:
    """Start llama.cpp's server in this process; ``settings`` as :class:`ServerSettings`.

    Returns the ``xllamacpp.Server``, whose ``listening_address`` is its URL.
    """
    import xllamacpp  # type: ignore[import-untyped]

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["api_key"]]
    params.cors_origins = "http://127.0.0.1"
    params.ui = False
    params.endpoint_slots = False
    params.offline = True
    params.sse_ping_interval = -1
    params.n_parallel = settings["parallel"]
    params.n_ctx = settings["parallel"] * settings["context"]
    params.n_batch = params.n_ubatch = 512
    params.cache_ram_mib = 0
    params.fit_params = False
    params.verbosity = 1
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads = settings["threads"]
    if settings["adapters"]:
        params.lora_adapters = [
            xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in settings["adapters"]
        ]
        params.lora_init_without_apply = True
    return xllamacpp.Server(params)


def _take_stdout() -> IO[str]:
    """Return the real standard output, and let whatever C++ prints go to standard error."""
    ready = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return ready


def _say(ready: IO[str], value: dict[str, str]) -> None:
    ready.write(json.dumps(value) + "\n")
    ready.close()


def _die_with(parent: int) -> None:
    """Ask Linux to kill this process when its parent dies, even while a model is loading."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)


if __name__ == "__main__":
    main()
