"""What the server counts, as Prometheus reads it: numbers only, never a word that was typed."""

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from fencun.gates import Finding
from fencun.models.engine import Completion
from fencun.web.queue import WaitingLine

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """One per app, each with a registry of its own. Usable from any thread."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "fencun_requests", "Requests answered.", ("method", "route", "status"),
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "fencun_request_seconds", "From a request to the end of its answer.", ("route",),
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._errors = Counter(
            "fencun_errors", "Errors told, by their code.", ("code",), registry=registry
        )
        self._drafts = Counter("fencun_drafts", "Texts drawn.", ("arm",), registry=registry)
        self._clean = Counter(
            "fencun_drafts_clean", "Texts drawn in which no gate found a fault.", ("arm",),
            registry=registry,
        )  # fmt: skip
        self._faults = Counter(
            "fencun_gate_faults", "Faults found in texts drawn.", ("gate",), registry=registry
        )
        self._tokens = Counter(
            "fencun_tokens", "Tokens as the engine counts them.", ("kind",), registry=registry
        )

    def watch(self, line: WaitingLine) -> None:
        """Tell from now on how many stand in ``line``, and how many are through."""
        told = (("waiting", lambda: line.waiting), ("running", lambda: line.running))
        queue = Gauge("fencun_queue", "Writings in line.", ("state",), registry=self._registry)
        for state, count in told:
            queue.labels(state).set_function(count)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; ``route`` is its pattern, not the address that was typed."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def failed(self, code: str) -> None:
        """Count an error that was told; ``code`` is that of the :class:`FencunError`."""
        self._errors.labels(code).inc()

    def drew(self, arm: str, findings: Iterable[Finding], completion: Completion) -> None:
        """Count a text that ``arm`` drew, what was found in it, and what it cost."""
        faults = [finding.gate for finding in findings if finding.severity == "fault"]
        self._drafts.labels(arm).inc()
        self._clean.labels(arm).inc(not faults)
        for gate in faults:
            self._faults.labels(gate).inc()
        self._tokens.labels("prompt").inc(completion.prompt_tokens)
        self._tokens.labels("completion").inc(completion.completion_tokens)

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)
