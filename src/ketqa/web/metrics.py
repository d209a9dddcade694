"""Counts of what the API did, for Prometheus: paths, statuses and times, never what was asked."""

from time import perf_counter

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

# Seconds; a question takes about 0.02 on one core.
BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The counts of one server, apart from those of any other in the same process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "ketqa_requests", "Requests answered.", ("path", "status"), registry=registry
        )
        self._seconds = Histogram(
            "ketqa_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("path",),
            registry=registry,
            buckets=BUCKETS,
        )
        self._answers = Counter(
            "ketqa_answers", "Answers, by what they found.", ("status",), registry=registry
        )
        self.working = Gauge(
            "ketqa_requests_working", "Requests being worked on now.", registry=registry
        )

    def count_request(self, path: str, status: int, start: float) -> None:
        """Count a request that began at a time of ``perf_counter``."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(perf_counter() - start)

    def count_answer(self, status: str) -> None:
        """Count an answer."""
        self._answers.labels(status).inc()

    def text(self) -> bytes:
        """Return all counts in Prometheus's own form."""
        return generate_latest(self._registry)
