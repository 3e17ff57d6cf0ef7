"""What a service counts, in the text format of Prometheus."""

from __future__ import annotations

from typing import Any, Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Measures:
    """Counters of one service, in a registry of their own."""

    def __init__(self, model: str) -> None:
        self._registry = CollectorRegistry()
        common: Any = {"registry": self._registry}
        self.requests = Counter(
            "mxmtl_requests", "Requests by path and status.", ["path", "status"], **common
        )
        self.seconds = Histogram(
            "mxmtl_predict_seconds",
            "From head to answer of a prediction.",
            buckets=SECONDS,
            **common,
        )
        self.batches = Histogram(
            "mxmtl_batch_images", "Images in a batch.", buckets=SIZES, **common
        )
        self.in_flight = Gauge("mxmtl_in_flight", "Predictions that are being made.", **common)
        Gauge("mxmtl_model", "The model that is served.", ["source"], **common).labels(model).set(1)

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show a number that is asked for whenever somebody looks."""
        Gauge(name, text, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """Return all of it."""
        shown: bytes = generate_latest(self._registry)
        return shown
