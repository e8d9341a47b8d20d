"""CustomResourceDefinition and APIService (controller.md §5.3, §5.5)."""

from holdfast.assessing.reading import (
    conditions,
    degraded,
    find_condition,
    healthy,
    member,
    progressing,
)
from holdfast.domain.health import Health
from holdfast.domain.manifest import Manifest


def assess_definition(live: Manifest) -> Health:
    """Assess a CustomResourceDefinition."""
    if not conditions(live):
        return progressing("Status conditions not found")
    if _is(live, "Terminating", "True"):
        return progressing("CRD is being terminated")
    if _is(live, "NamesAccepted", "False"):
        return degraded(f"CRD names have not been accepted: {_message(live, 'NamesAccepted')}")
    if _is(live, "NonStructuralSchema", "True"):
        return degraded(f"Schema violations found: {_message(live, 'NonStructuralSchema')}")
    return _assess_establishing(live)


def _assess_establishing(live: Manifest) -> Health:
    established = find_condition(live, "Established") or {}
    if established.get("status") == "True":
        return healthy("CRD is healthy")
    if established.get("status") == "False" and established.get("reason") == "Installing":
        return progressing("CRD is being installed")
    return degraded("CRD is not established")


def assess_api_service(live: Manifest) -> Health:
    """Assess an apiregistration.k8s.io APIService."""
    available = find_condition(live, "Available")
    if available is None:
        return progressing("Waiting to be processed")
    message = f"{member(available, 'reason')}: {member(available, 'message')}"
    return healthy(message) if available.get("status") == "True" else progressing(message)


def _is(live: Manifest, type_: str, status: str) -> bool:
    condition = find_condition(live, type_)
    return condition is not None and condition.get("status") == status


def _message(live: Manifest, type_: str) -> str:
    return member(find_condition(live, type_) or {}, "message")
