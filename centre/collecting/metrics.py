"""The collector's figures for Prometheus: what arrived, what became of it, how long the store took."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from centre.collecting.config import ConfigError, MetricsConfig

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
REFUSALS = ("signature", "sealed", "malformed", "device", "unstorable")


class Metrics:
    """Hold the figures, in a registry of their own."""

    def __init__(self) -> None:
        """Begin with none; each reason for a refusal is there from the start, at 0."""
        registry = self.registry = CollectorRegistry()
        self.messages = Counter("greengate_messages", "Messages that arrived", registry=registry)
        self.batches = Counter("greengate_batches", "Batches stored, known ones too", registry=registry)
        self.records = Counter(
            "greengate_records", "Check-ins, passages and overrides in them", ["state"], registry=registry
        )
        self.refused = Counter("greengate_refused", "Messages refused", ["reason"], registry=registry)
        self.acknowledged = Counter("greengate_acknowledged", "Acknowledgements sent", registry=registry)
        self.store_seconds = Histogram(
            "greengate_store_seconds", "Each transaction of batches", buckets=SECONDS, registry=registry
        )
        self.store_up = Gauge("greengate_store_up", "Whether the store took what came last", registry=registry)
        self.committed = Gauge("greengate_last_commit_seconds", "When batches were stored last", registry=registry)
        self.connected = Gauge("greengate_connected", "Whether the broker is there", registry=registry)
        self.store_up.set(1)
        for state in ("new", "known", "conflict"):
            self.records.labels(state)
        for reason in REFUSALS:
            self.refused.labels(reason)

    def serve(self, config: MetricsConfig) -> None:
        """Answer Prometheus in the background, until the program ends. Raises: ConfigError."""
        try:
            start_http_server(config.port, config.bind, self.registry)
        except OSError as error:
            why = error.strerror or error
            raise ConfigError(f"metrics at {config.bind}:{config.port}: {why}: set another metrics.port") from None
