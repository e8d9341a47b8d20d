"""Drifts and heals are counted where they are told."""

from __future__ import annotations

from holdfast.assembly.drift_metrics import DriftMetrics
from holdfast.domain.events import Outcome
from holdfast.metrics.registry import PrometheusMetrics
from tests.support import happenings as h


def test_open_drifts_rise_and_fall() -> None:
    metrics = PrometheusMetrics()
    counting = DriftMetrics(metrics)
    assert "holdfast_drift_open 0.0" in metrics.text()
    counting.take(h.opened("a"))
    counting.take(h.opened("b"))
    assert "holdfast_drift_open 2.0" in metrics.text()
    counting.take(h.closed("a"))
    counting.take(h.closed("a"))
    assert "holdfast_drift_open 1.0" in metrics.text()


def test_a_new_life_of_the_controller_begins_with_no_open_drift() -> None:
    metrics = PrometheusMetrics()
    DriftMetrics(metrics).take(h.opened("a"))
    DriftMetrics(metrics)
    assert "holdfast_drift_open 0.0" in metrics.text()


def test_heals_are_counted_by_outcome_and_only_accepted_ones_are_timed() -> None:
    metrics = PrometheusMetrics()
    counting = DriftMetrics(metrics)
    counting.take(h.healed("a", seconds=0.02))
    counting.take(h.healed("b", outcome=Outcome.REFUSED))
    counting.take(h.synced())
    text = metrics.text()
    assert 'holdfast_heals_total{outcome="healed",reason="changed"} 1.0' in text
    assert 'holdfast_heals_total{outcome="refused",reason="changed"} 1.0' in text
    assert "holdfast_time_to_heal_seconds_count 1.0" in text
    assert "holdfast_time_to_heal_seconds_sum 0.02" in text
