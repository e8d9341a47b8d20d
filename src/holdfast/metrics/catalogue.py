"""Every metric: name, kind, labels, meaning. The documents and the registry are made of this."""

from dataclasses import dataclass
from enum import StrEnum


class MetricKind(StrEnum):
    """What a metric is."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One row.

    Attributes:
        labels: Names, in the order of the text format.
        buckets: Upper bounds of a histogram, in the unit of its name (seconds).
    """

    name: str
    kind: MetricKind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


_COUNTER, _GAUGE, _HISTOGRAM = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM
_APP = ("namespace", "name", "project")
_ROUNDS_S = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_HEALS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)

CATALOGUE = (
    MetricSpec(
        "argocd_app_info",
        _GAUGE,
        (
            *_APP,
            "autosync_enabled",
            "repo",
            "dest_server",
            "dest_namespace",
            "sync_status",
            "health_status",
            "operation",
        ),
        "One for each Application; what it is stands in the labels.",
    ),
    MetricSpec(
        "argocd_app_sync_total",
        _COUNTER,
        (*_APP, "dest_server", "phase", "dry_run"),
        "Finished operations.",
    ),
    MetricSpec(
        "argocd_app_sync_duration_seconds_total",
        _COUNTER,
        (*_APP, "dest_server"),
        "Seconds that finished operations took.",
    ),
    MetricSpec(
        "argocd_app_reconcile",
        _HISTOGRAM,
        ("namespace", "dest_server"),
        "Seconds that a comparison of an Application took.",
        _ROUNDS_S,
    ),
    MetricSpec(
        "argocd_cluster_info",
        _GAUGE,
        ("server", "k8s_version", "name"),
        "One for each cluster.",
    ),
    MetricSpec(
        "argocd_cluster_connection_status",
        _GAUGE,
        ("server", "k8s_version"),
        "1 while the API server answers, else 0.",
    ),
    MetricSpec(
        "argocd_cluster_api_resources",
        _GAUGE,
        ("server",),
        "Kinds that the cluster serves.",
    ),
    MetricSpec(
        "argocd_cluster_api_resource_objects",
        _GAUGE,
        ("server",),
        "Objects that are known of the cluster.",
    ),
    MetricSpec(
        "argocd_cluster_cache_age_seconds",
        _GAUGE,
        ("server",),
        "Seconds since the quietest watch heard from the cluster.",
    ),
    MetricSpec(
        "holdfast_heals_total",
        _COUNTER,
        ("reason", "outcome"),
        "Heals; the reason is missing or changed, the outcome healed, refused or postponed.",
    ),
    MetricSpec(
        "holdfast_drift_open",
        _GAUGE,
        (),
        "Objects that are not what was applied to them, at this moment.",
    ),
    MetricSpec(
        "holdfast_apps_behind",
        _GAUGE,
        (),
        "Applications of which git declares something else than what was applied: a sync is due.",
    ),
    MetricSpec(
        "holdfast_apps_drifted",
        _GAUGE,
        (),
        "Applications with objects that were changed in the cluster and are not put back yet.",
    ),
    MetricSpec(
        "holdfast_drifts_total",
        _COUNTER,
        ("how",),
        "Drifts that are over: healed, reverted (by somebody else), adopted (by git), synced or "
        "released.",
    ),
    MetricSpec(
        "holdfast_paused",
        _GAUGE,
        ("scope",),
        "Pauses that hold at this moment.",
    ),
    MetricSpec(
        "argocd_login_request_total",
        _COUNTER,
        ("status",),
        "Logins with a password at the page and the API of this process: success or failure.",
    ),
    MetricSpec(
        "argocd_webhook_requests_total",
        _COUNTER,
        ("repo",),
        "Pushes that a git host told of, by host and path of the repository; empty for one that no "
        "Application deploys from.",
    ),
    MetricSpec(
        "argocd_webhook_handlers_in_flight",
        _GAUGE,
        (),
        "Webhooks that are being worked on at this moment.",
    ),
    MetricSpec(
        "argocd_info",
        _GAUGE,
        ("version",),
        "One; which Holdfast serves the page and the API stands in the label.",
    ),
    MetricSpec(
        "holdfast_journal_rows_total",
        _COUNTER,
        ("outcome",),
        "Rows for the journal: written, or dropped because it was full, slow or broken.",
    ),
    MetricSpec(
        "holdfast_notifications_total",
        _COUNTER,
        ("target", "outcome"),
        "Messages to people: sent, failed (given up), or dropped because too many waited.",
    ),
    MetricSpec(
        "holdfast_time_to_heal_seconds",
        _HISTOGRAM,
        (),
        "Seconds from the receipt of the watch event to the accepted apply.",
        _HEALS_S,
    ),
    MetricSpec(
        "holdfast_queue_length",
        _GAUGE,
        (),
        "Applications that wait to be compared or synced.",
    ),
    MetricSpec(
        "holdfast_leader",
        _GAUGE,
        (),
        "1 in the process that holds the Lease, else 0.",
    ),
    MetricSpec(
        "holdfast_watch_lag_seconds",
        _GAUGE,
        (),
        "Seconds since the quietest watch heard from the cluster.",
    ),
)
