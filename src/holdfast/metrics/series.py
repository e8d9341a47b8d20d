"""The series of one counter or gauge: a dict, made into prometheus-client's form when it is read.

Its own counters keep an object, a lock and two dicts for each series: 0.9 KB. There are three for
each Application.
"""

import sys
from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from holdfast.metrics.catalogue import MetricKind, MetricSpec

_HEAD = 2  # labels by which series are found: namespace and name of an Application, as a rule


class Series(Collector):
    """All series of one row of the catalogue; a row without labels has one from the start."""

    def __init__(self, spec: MetricSpec) -> None:
        """Start empty."""
        self._spec = spec
        # By their first labels: a look through the series of a thousand other Applications would
        # cost half a millisecond each time. A dict for the few of each would take 0.2 KB.
        self._values: dict[tuple[str, ...], tuple[tuple[tuple[str, ...], float], ...]] = {}
        if not spec.labels:
            self._values[()] = (((), 0.0),)

    def add(self, labels: tuple[str, ...], amount: float) -> None:
        """Add to the value of a series."""
        self.put(labels, amount + dict(self._values.get(labels[:_HEAD], ())).get(labels[_HEAD:], 0))

    def put(self, labels: tuple[str, ...], value: float) -> None:
        """Set the value of a series."""
        labels = tuple(map(sys.intern, labels))
        head, rest = labels[:_HEAD], labels[_HEAD:]
        others = [pair for pair in self._values.get(head, ()) if pair[0] != rest]
        self._values[head] = (*others, (rest, value))

    def drop(self, places: Mapping[int, str]) -> None:
        """Forget the series that have these texts at these places of their labels."""
        if all(at in places for at in range(_HEAD)):
            heads = [tuple(places[at] for at in range(_HEAD))]
        else:
            heads = list(self._values)
        for head in heads:
            kept = tuple(
                (rest, value)
                for rest, value in self._values.pop(head, ())
                if any((*head, *rest)[at] != text for at, text in places.items())
            )
            if kept:
                self._values[head] = kept

    def describe(self) -> Iterator[Metric]:
        """Tell the name."""
        yield self._family()

    def collect(self) -> Iterator[Metric]:
        """Give every series."""
        family = self._family()
        for head, found in self._values.items():
            for rest, value in found:
                family.add_metric((*head, *rest), value)
        yield family

    def _family(self) -> CounterMetricFamily | GaugeMetricFamily:
        spec = self._spec
        made = CounterMetricFamily if spec.kind is MetricKind.COUNTER else GaugeMetricFamily
        return made(spec.name, spec.help, labels=spec.labels)
