"""`PrometheusMetrics`: the port `Metrics` over prometheus-client."""

from collections.abc import Callable, Container

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client import disable_created_metrics as _disable_created_metrics

from holdfast.domain.errors import InternalError
from holdfast.metrics.catalogue import CATALOGUE, MetricKind, MetricSpec

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
        self._metrics = {spec.name: self._make(spec) for spec in rows}
        # By name and first two label values, namespace and name of an Application as a rule: a
        # look through the series of a thousand others would cost half a millisecond each time.
        self._series: dict[str, dict[tuple[str, ...], set[tuple[str, ...]]]] = {
            spec.name: {} for spec in rows
        }
        self._before_scrape: list[Callable[[], None]] = []

    def before_scrape(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` each time somebody looks; it must return at once."""
        self._before_scrape.append(refresh)

    def increment(self, name: str, amount: float = 1.0, /, **labels: str) -> None:
        """Add to a counter."""
        metric = self._find(name, MetricKind.COUNTER, labels)
        assert isinstance(metric, Counter)  # noqa: S101 - the kind was checked
        metric.inc(amount)

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """Add a value to a histogram."""
        metric = self._find(name, MetricKind.HISTOGRAM, labels)
        assert isinstance(metric, Histogram)  # noqa: S101 - the kind was checked
        metric.observe(value)

    def set_gauge(self, name: str, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        metric = self._find(name, MetricKind.GAUGE, labels)
        assert isinstance(metric, Gauge)  # noqa: S101 - the kind was checked
        metric.set(value)

    def drop(self, name: str, /, **labels: str) -> None:
        """Forget the series of a gauge that match the labels."""
        spec = self._spec(name)
        places = {spec.labels.index(label): value for label, value in labels.items()}
        series = self._series[name]
        groups = [tuple(places[at] for at in range(2))] if {0, 1} <= places.keys() else list(series)
        for group in groups:
            kept = series.pop(group, set())
            gone = {v for v in kept if all(v[at] == text for at, text in places.items())}
            for values in gone:
                self._metrics[name].remove(*values)
            if kept - gone:
                series[group] = kept - gone

    def text(self) -> str:
        """Return the text format."""
        for refresh in self._before_scrape:
            refresh()
        return generate_latest(self._registry).decode("utf-8")

    def _make(self, spec: MetricSpec) -> Counter | Gauge | Histogram:
        match spec.kind:
            case MetricKind.COUNTER:
                return Counter(spec.name, spec.help, spec.labels, registry=self._registry)
            case MetricKind.GAUGE:
                return Gauge(spec.name, spec.help, spec.labels, registry=self._registry)
            case MetricKind.HISTOGRAM:
                return Histogram(
                    spec.name,
                    spec.help,
                    spec.labels,
                    registry=self._registry,
                    buckets=spec.buckets,
                )

    def _spec(self, name: str) -> MetricSpec:
        spec = self._specs.get(name)
        if spec is None:
            raise InternalError("HF9001", f"there is no metric {name}")
        return spec

    def _find(
        self, name: str, kind: MetricKind, labels: dict[str, str]
    ) -> Counter | Gauge | Histogram:
        spec = self._spec(name)
        if spec.kind is not kind or set(labels) != set(spec.labels):
            raise InternalError("HF9001", f"{name} is a {spec.kind} with labels {spec.labels}")
        metric = self._metrics[name]
        if not spec.labels:
            return metric
        values = tuple(labels[label] for label in spec.labels)
        if kind is MetricKind.GAUGE:  # of which alone a series is ever dropped
            self._series[name].setdefault(values[:2], set()).add(values)
        return metric.labels(*values)
