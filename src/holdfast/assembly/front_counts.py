"""What the API and the page tell of themselves, as metrics: they have none of their own.

Light, since the controller's process has it: nothing of `holdfast.api` is imported here.
"""

from collections.abc import Callable

from holdfast import __version__
from holdfast.metrics.registry import PrometheusMetrics

Tell = Callable[[str, str], None]
"""As `holdfast.api.news.Tell`: what happened, and what of it counts."""


FRONT_METRICS = frozenset({
    "argocd_info", "argocd_login_request_total", "argocd_webhook_requests_total",
    "argocd_webhook_handlers_in_flight",
})  # fmt: skip
"""What `holdfast serve` shows: all others are the controller's, which runs elsewhere."""


def tell_nobody(_what: str, _of_it: str) -> None:
    """Count nothing."""


def count_front(metrics: PrometheusMetrics) -> Tell:
    """Return what counts; it says at once what is served."""
    metrics.set_gauge("argocd_info", 1.0, version=f"v{__version__}")

    def count(what: str, of_it: str) -> None:
        match what:
            case "login":
                status = "success" if of_it == "good" else "failure"
                metrics.increment("argocd_login_request_total", status=status)
            case "push":
                metrics.increment("argocd_webhook_requests_total", repo=of_it)
            case "handling" if of_it.isdigit():
                metrics.set_gauge("argocd_webhook_handlers_in_flight", float(of_it))

    return count
