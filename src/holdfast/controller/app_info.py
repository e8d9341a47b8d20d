"""The gauge `argocd_app_info`: one series for each Application (controller.md §11.2)."""

from holdfast.domain.application import IN_CLUSTER_SERVER, Application
from holdfast.domain.identity import AppKey
from holdfast.domain.ports import Metrics

NAME = "argocd_app_info"


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
