"""Gauges of Applications: `argocd_app_info`, a series for each (controller.md §11.2), and ours."""

from holdfast.domain.application import IN_CLUSTER_SERVER, Application
from holdfast.domain.divergence import Divergences
from holdfast.domain.identity import AppKey
from holdfast.domain.ports import Metrics

NAME = "argocd_app_info"
BEHIND = "holdfast_apps_behind"
DRIFTED = "holdfast_apps_drifted"


def tell_app_info(metrics: Metrics, app: Application) -> None:
    """Replace the series of an Application by its present state."""
    forget_app_info(metrics, app.key)
    status = app.status
    metrics.set_gauge(
        NAME,
        1.0,
        namespace=app.key.namespace,
        name=app.key.name,
        project=app.project,
        autosync_enabled=str(app.sync_policy.automated is not None).lower(),
        repo=app.sources[0].repo_url if app.sources else "",
        dest_server=app.destination.server or IN_CLUSTER_SERVER,
        dest_namespace=app.destination.namespace,
        sync_status=str((status.get("sync") or {}).get("status") or "Unknown"),
        health_status=str((status.get("health") or {}).get("status") or "Unknown"),
        operation="delete" if app.is_deleting else "sync" if app.operation else "",
    )


def forget_app_info(metrics: Metrics, key: AppKey) -> None:
    """Drop the series of an Application that is gone."""
    metrics.drop(NAME, namespace=key.namespace, name=key.name)


class DivergingApps:
    """How many Applications are behind git, and how many have drifted; one can be both."""

    def __init__(self, metrics: Metrics) -> None:
        """Begin with none."""
        self._metrics = metrics
        self._behind: set[AppKey] = set()
        self._drifted: set[AppKey] = set()
        self._show()

    def tell(self, key: AppKey, found: Divergences | None) -> None:
        """Count an Application as it is now; None: it was not compared yet."""
        for apps, amount in (
            (self._behind, found.behind if found is not None else 0),
            (self._drifted, found.drifted if found is not None else 0),
        ):
            if amount:
                apps.add(key)
            else:
                apps.discard(key)
        self._show()

    def forget(self, key: AppKey) -> None:
        """An Application is gone."""
        self.tell(key, None)

    def _show(self) -> None:
        self._metrics.set_gauge(BEHIND, float(len(self._behind)))
        self._metrics.set_gauge(DRIFTED, float(len(self._drifted)))
