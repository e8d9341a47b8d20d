"""Service and Ingress (controller.md §5.3)."""

from holdfast.assessing.reading import healthy, progressing, text
from holdfast.domain.health import Health
from holdfast.domain.manifest import Manifest


def assess_service(live: Manifest) -> Health:
    """Assess a v1 Service: only a load balancer can be waited for."""
    if text(live, "spec", "type") == "LoadBalancer" and not _has_ingress(live):
        return progressing()
    return healthy()


def assess_ingress(live: Manifest) -> Health:
    """Assess an Ingress of any version.

    An ingress controller that never writes the address leaves it Progressing for ever.
    """
    return healthy() if _has_ingress(live) else progressing()


def _has_ingress(live: Manifest) -> bool:
    return bool(live.at("status", "loadBalancer", "ingress"))
