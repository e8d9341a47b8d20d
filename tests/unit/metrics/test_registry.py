"""Metrics: Argo CD's names and labels, and nothing that is not in the catalogue."""

from __future__ import annotations

import pytest

from holdfast.domain.errors import InternalError
from holdfast.metrics.registry import PrometheusMetrics

SYNC = {
    "namespace": "argocd",
    "name": "web",
    "project": "default",
    "dest_server": "https://kubernetes.default.svc",
}


def test_a_counter_is_shown_with_argocds_name_and_without_created_series() -> None:
    metrics = PrometheusMetrics()
    metrics.increment("argocd_app_sync_total", phase="Succeeded", dry_run="false", **SYNC)
    metrics.increment("argocd_app_sync_duration_seconds_total", 2.5, **SYNC)
    text = metrics.text()
    assert 'argocd_app_sync_total{dest_server="https://kubernetes.default.svc"' in text
    assert "argocd_app_sync_duration_seconds_total{" in text
    assert "_created" not in text


def test_a_series_is_forgotten_by_some_of_its_labels() -> None:
    metrics = PrometheusMetrics()
    rest = {
        "project": "default",
        "autosync_enabled": "true",
        "repo": "https://git.example/web",
        "dest_server": "s",
        "dest_namespace": "prod",
        "health_status": "Healthy",
        "operation": "",
    }
    for status in ("OutOfSync", "Synced"):
        metrics.drop("argocd_app_info", namespace="argocd", name="web")
        metrics.set_gauge(
            "argocd_app_info", 1, namespace="argocd", name="web", sync_status=status, **rest
        )
    lines = [line for line in metrics.text().splitlines() if line.startswith("argocd_app_info{")]
    assert len(lines) == 1
    assert 'sync_status="Synced"' in lines[0]


def test_a_process_that_knows_some_rows_alone_shows_no_others() -> None:
    metrics = PrometheusMetrics({"argocd_info"})
    metrics.set_gauge("argocd_info", 1, version="v1")
    assert {line.split()[0] for line in metrics.text().splitlines() if line[0] != "#"} == {
        'argocd_info{version="v1"}'
    }
    with pytest.raises(InternalError):
        metrics.set_gauge("holdfast_leader", 1)


def test_the_series_of_others_stay_when_one_is_forgotten() -> None:
    metrics = PrometheusMetrics()
    for name in ("web", "db"):
        for phase in ("Succeeded", "Failed"):
            labels = {**SYNC, "name": name}
            metrics.increment("argocd_app_sync_total", phase=phase, dry_run="false", **labels)
            metrics.increment("argocd_app_sync_total", 2, phase=phase, dry_run="false", **labels)
    metrics.drop("argocd_app_sync_total", namespace="argocd", name="web", phase="Failed")
    metrics.drop("argocd_app_sync_total", name="db", dry_run="false")
    lines = [line for line in metrics.text().splitlines() if line.startswith("argocd_app_sync")]
    assert len(lines) == 1
    assert 'name="web"' in lines[0]
    assert 'phase="Succeeded"' in lines[0]
    assert lines[0].endswith(" 3.0")


def test_a_label_may_have_any_characters() -> None:
    metrics = PrometheusMetrics()
    strange = {**SYNC, "project": 'a"b\\c\nd'}
    metrics.increment("argocd_app_sync_duration_seconds_total", 1, **strange)
    assert 'project="a\\"b\\\\c\\nd"' in metrics.text()


def test_what_is_only_known_when_somebody_looks_is_read_then() -> None:
    metrics = PrometheusMetrics()
    metrics.before_scrape(lambda: metrics.set_gauge("holdfast_leader", 1))
    assert "holdfast_leader 1.0" in metrics.text()


def test_a_histogram_has_argocds_buckets() -> None:
    metrics = PrometheusMetrics()
    metrics.observe("argocd_app_reconcile", 0.3, namespace="argocd", dest_server="s")
    assert 'argocd_app_reconcile_bucket{dest_server="s",le="0.25",namespace="argocd"} 0.0' in (
        metrics.text()
    )


def test_a_name_or_label_that_nobody_declared_is_a_mistake_of_ours() -> None:
    metrics = PrometheusMetrics()
    with pytest.raises(InternalError, match="there is no metric"):
        metrics.increment("argocd_surprise_total")
    with pytest.raises(InternalError, match="is a gauge"):
        metrics.set_gauge("argocd_cluster_info", 1, server="s")
