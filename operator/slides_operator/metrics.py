"""What Prometheus reads. Labels never name an object, so that series stay few."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
WAIT_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400)
RUN_S = (5, 10, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200, 14400)


class Metrics:
    """All metrics of one operator, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.extractions = Gauge(
            "slides_operator_extractions",
            "SlideExtractions, by phase.",
            ["phase"],
            registry=registry,
        )
        self.finished = Counter(
            "slides_operator_extractions_finished",
            "SlideExtractions that ended, by result (Completed, Failed, Cancelled) and reason.",
            ["result", "reason"],
            registry=registry,
        )
        self.attempts = Counter(
            "slides_operator_attempts",
            "Attempts that ended, by reason.",
            ["reason"],
            registry=registry,
        )
        self.queue_wait = Histogram(
            "slides_operator_queue_wait_seconds",
            "From a SlideExtraction's creation to its first Job.",
            registry=registry,
            buckets=WAIT_S,
        )
        self.duration = Histogram(
            "slides_operator_duration_seconds",
            "From a SlideExtraction's start to its end.",
            registry=registry,
            buckets=RUN_S,
        )
        self.reconciles = Counter(
            "slides_operator_reconcile",
            "Reconciles, by result (ok, or the error that ended them).",
            ["result"],
            registry=registry,
        )
        self.reconcile_duration = Histogram(
            "slides_operator_reconcile_duration_seconds",
            "Duration of a reconcile, its requests included.",
            registry=registry,
            buckets=LATENCY_S,
        )
        self.workqueue_depth = Gauge(
            "slides_operator_workqueue_depth",
            "Resources that wait for a worker.",
            registry=registry,
        )
        self.workqueue_oldest = Gauge(
            "slides_operator_workqueue_oldest_seconds",
            "How long the first of them has waited.",
            registry=registry,
        )
        self.api_requests = Counter(
            "slides_operator_api_requests",
            "Requests to the API server, kopf's own apart, by verb and status (none: no answer).",
            ["verb", "code"],
            registry=registry,
        )
        self.watch_age = Gauge(
            "slides_operator_watch_last_event_age_seconds",
            "Since a watch last gave an event or a bookmark, by what is watched.",
            ["resource"],
            registry=registry,
        )
        self.webhook_attempts = Counter(
            "slides_operator_webhook_attempts",
            "Attempts to deliver a webhook, by result (delivered, or what went wrong).",
            ["result"],
            registry=registry,
        )
        self.webhook_duration = Histogram(
            "slides_operator_webhook_duration_seconds",
            "Duration of an attempt to deliver a webhook.",
            registry=registry,
            buckets=LATENCY_S,
        )
        self.webhooks_given_up = Counter(
            "slides_operator_webhooks_given_up",
            "Webhooks that are not tried again although nobody took them.",
            registry=registry,
        )
        self.webhooks_waiting = Gauge(
            "slides_operator_webhooks_waiting",
            "Webhooks that are due and not answered yet.",
            registry=registry,
        )
        self.leader = Gauge(
            "slides_operator_leader", "Whether this replica leads: 1 or 0.", registry=registry
        )
