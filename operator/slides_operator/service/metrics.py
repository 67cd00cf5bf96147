"""What Prometheus reads of the service. Labels never name an object or a caller."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ServiceMetrics:
    """All metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "slides_service_requests",
            "Requests that were answered, by route (empty: none), method and status.",
            ["route", "method", "code"],
            registry=registry,
        )
        self.request_duration = Histogram(
            "slides_service_request_duration_seconds",
            "Duration of a request, streams apart, by route.",
            ["route"],
            registry=registry,
            buckets=LATENCY_S,
        )
        self.streams = Gauge(
            "slides_service_streams",
            "Open streams, by kind (sse, websocket).",
            ["kind"],
            registry=registry,
        )
        self.draining = Gauge(
            "slides_service_draining",
            "Whether the service is ending: 1 or 0.",
            registry=registry,
        )
        self.api_requests = Counter(
            "slides_service_api_requests",
            "Requests to the API server, by verb and status (none: no answer).",
            ["verb", "code"],
            registry=registry,
        )
        self.watch_age = Gauge(
            "slides_service_watch_last_event_age_seconds",
            "Since the quietest watch last gave an event or a bookmark.",
            registry=registry,
        )
