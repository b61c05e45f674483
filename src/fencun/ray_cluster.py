"""A Ray cluster to spread work over: joined at its address, or begun on this machine.

Ray (Moritz et al., 2018, arXiv:1712.05889) moves the work about and begins it again where a
worker dies; what is done is what one process would do.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from fencun import __version__
from fencun.errors import FencunError
from fencun.extras import need

Row = dict[str, Any]
_WINDOW = 256  # blocks that lie in the cluster's memory at once


@contextmanager
def cluster(address: str = "", *, workers: int | None = None) -> Iterator[None]:
    """Join the cluster at ``address``, or begin one here that ends with the block.

    ``workers`` is how many processes work where one is begun, a core each; None is one for
    every core. A cluster that this process is in already is used as it is.

    Raises:
        FencunError: Ray is not installed, nothing answers, or its version is another one; also
            where the cluster is lost half-way.
    """
    need("ray")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    begun = not ray.is_initialized()
    if begun:
        _join(address, workers)
    _quiet()
    try:
        yield
    except ray.exceptions.RayError as error:
        raise _told(error) from error
    finally:
        if begun:
            ray.shutdown()


def _join(address: str, workers: int | None) -> None:
    import ray

    own = {} if address else {"num_cpus": workers, "include_dashboard": False}
    try:
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
    except (RuntimeError, ValueError, OSError) as error:
        said = " ".join(str(error).split())[:400]
        if address:
            raise FencunError(
                f"连不上 Ray 集群 {address}：{said}。看看地址、集群是不是开着、两边 Ray 和 Python "
                f"的版本是否一样（这里 Ray {ray.__version__}）；不给 --ray-address 就在本机起。",
                f"Cannot join the Ray cluster at {address}: {said}. Check the address, that it is "
                f"running, and that Ray and Python have the same versions there (Ray "
                f"{ray.__version__} here); without --ray-address one is begun on this machine.",
            ) from error
        raise FencunError(
            f"本机起不了 Ray：{said}。不加 --on ray 也能做，结果一样。",
            f"Ray does not start on this machine: {said}. Without --on ray the result is the same.",
        ) from error


def _quiet() -> None:
    """Let Ray tell nothing but errors, yield blocks in the order in which they were given, and
    raise what a worker raised."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    context.raise_original_map_exception = True
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _told(error: Exception) -> FencunError:
    """Return the error that a worker raised for people to read, or that the cluster was lost."""
    cause: BaseException | None = error
    while cause is not None:
        inner = getattr(cause, "cause", None)
        for each in (cause, inner):
            if isinstance(each, FencunError):
                return FencunError(each.zh, each.en)
        cause = cause.__cause__
    said = str(error).strip().splitlines()[-1][:400]
    return FencunError(
        f"Ray 集群没有做完：{said}。已经写下的都在，再运行一次会接着做。",
        f"The Ray cluster did not finish: {said}. What was written stays; run it again to go on.",
    )


def spread(
    work: Callable[..., Row] | type, rows: Iterable[Row], *, workers: int = 0, **settings: Any
) -> Iterator[Row]:
    """Yield what ``work`` returns for each of ``rows``, in their order; each is done by itself.

    A function is called with the row and ``settings``, wherever there is room. A class is made
    with ``settings`` by each of ``workers`` processes, and then called with every row.
    """
    import pyarrow as pa
    import ray.data

    if isinstance(work, type):
        how: Row = {
            "fn_constructor_args": [work, settings],
            "compute": ray.data.ActorPoolStrategy(size=max(1, workers)),
        }
        doer: Any = _Worker
    else:
        doer, how = _each, {"fn_kwargs": {"work": work, "settings": settings}}
    left = iter(rows)
    while window := list(islice(left, _WINDOW)):
        blocks = [pa.Table.from_pylist([row]) for row in window]
        done = ray.data.from_arrow(blocks).map_batches(
            doer, batch_size=None, batch_format="pyarrow", **how
        )
        for block in done.iter_batches(batch_size=None, batch_format="pyarrow"):
            yield from block.to_pylist()


def _each(block: Any, work: Callable[..., Row], settings: Row) -> Any:
    import pyarrow as pa

    return pa.Table.from_pylist([work(row, **settings) for row in block.to_pylist()])


class _Worker:
    """A process that was made ready once."""

    def __init__(self, made: type, settings: Row) -> None:
        self._work = made(**settings)

    def __call__(self, block: Any) -> Any:
        return _each(block, self._work, {})


def require_same(version: str) -> None:
    """Refuse to work for another Fencun than this one.

    Raises:
        FencunError: ``version`` is another.
    """
    if version != __version__:
        raise FencunError(
            f"集群上装的 Fencun 是 {__version__}，这里是 {version}；请装成一样的。",
            f"The cluster has Fencun {__version__}, here is {version}; install the same there.",
        )
