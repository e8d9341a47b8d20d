"""`PrometheusMetrics`: the port `Metrics` over prometheus-client."""

from collections.abc import Callable, Container

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client import disable_created_metrics as _disable_created_metrics

from holdfast.domain.errors import InternalError
from holdfast.metrics.catalogue import CATALOGUE, MetricKind, MetricSpec
from holdfast.metrics.series import Series

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Argo CD's exporter has no `…_created` series, and nobody looks at them.
_disable_created_metrics()  # type: ignore[no-untyped-call] # it has no annotations


class PrometheusMetrics:
    """Counts, and gives the text format.

    `before_scrape` lets gauges be read when somebody looks, instead of being kept up to date.
    """

    def __init__(self, only: Container[str] | None = None) -> None:
        """Register every row of the catalogue.

        Args:
            only: Rows to register alone: a process that knows no others must not show them as 0.
        """
        self._registry = CollectorRegistry()
        rows = [spec for spec in CATALOGUE if only is None or spec.name in only]
        self._specs = {spec.name: spec for spec in rows}
        self._histograms: dict[str, Histogram] = {}
        self._series: dict[str, Series] = {}
        for spec in rows:
            self._register(spec)
        self._before_scrape: list[Callable[[], None]] = []

    def before_scrape(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` each time somebody looks; it must return at once."""
        self._before_scrape.append(refresh)

    def increment(self, name: str, amount: float = 1.0, /, **labels: str) -> None:
        """Add to a counter."""
        values = self._values(name, MetricKind.COUNTER, labels)
        self._series[name].add(values, amount)

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """Add a value to a histogram."""
        values = self._values(name, MetricKind.HISTOGRAM, labels)
        metric = self._histograms[name]
        (metric.labels(*values) if values else metric).observe(value)

    def set_gauge(self, name: str, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        values = self._values(name, MetricKind.GAUGE, labels)
        self._series[name].put(values, value)

    def drop(self, name: str, /, **labels: str) -> None:
        """Forget the series of a gauge that match the labels."""
        spec = self._spec(name)
        self._series[name].drop({spec.labels.index(label): text for label, text in labels.items()})

    def text(self) -> str:
        """Return the text format."""
        for refresh in self._before_scrape:
            refresh()
        return generate_latest(self._registry).decode("utf-8")

    def _register(self, spec: MetricSpec) -> None:
        if spec.kind is MetricKind.HISTOGRAM:
            self._histograms[spec.name] = Histogram(
                spec.name, spec.help, spec.labels, registry=self._registry, buckets=spec.buckets
            )
        else:
            self._series[spec.name] = Series(spec)
            self._registry.register(self._series[spec.name])

    def _spec(self, name: str) -> MetricSpec:
        spec = self._specs.get(name)
        if spec is None:
            raise InternalError("HF9001", f"there is no metric {name}")
        return spec

    def _values(self, name: str, kind: MetricKind, labels: dict[str, str]) -> tuple[str, ...]:
        """Return the texts of the labels, in the order of the catalogue."""
        spec = self._spec(name)
        if spec.kind is not kind or set(labels) != set(spec.labels):
            raise InternalError("HF9001", f"{name} is a {spec.kind} with labels {spec.labels}")
        return tuple(labels[label] for label in spec.labels)
