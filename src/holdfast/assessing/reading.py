"""Reading status blocks whose shape may be wrong without ever raising."""

from collections.abc import Mapping

from holdfast.domain.health import Health, HealthCode
from holdfast.domain.manifest import JSON, Manifest


def integer(manifest: Manifest, *path: str) -> int:
    """Return the integer at a path, 0 where there is none (as a missing number reads in Go)."""
    return find_integer(manifest, *path) or 0


def find_integer(manifest: Manifest, *path: str) -> int | None:
    """Return the integer at a path, or None."""
    value = manifest.at(*path)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(manifest: Manifest, *path: str) -> str:
    """Return the string at a path, or `""`."""
    value = manifest.at(*path)
    return value if isinstance(value, str) else ""


def mappings(value: JSON) -> tuple[Mapping[str, JSON], ...]:
    """Return the mappings of a list, empty for anything else."""
    return (
        tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
    )


def conditions(manifest: Manifest) -> tuple[Mapping[str, JSON], ...]:
    """Return `status.conditions`."""
    return mappings(manifest.at("status", "conditions"))


def find_condition(manifest: Manifest, type_: str) -> Mapping[str, JSON] | None:
    """Return the first condition of a type, or None."""
    return next((item for item in conditions(manifest) if item.get("type") == type_), None)


def member(mapping: Mapping[str, JSON], key: str) -> str:
    """Return a string member, or `""`."""
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def is_unobserved(manifest: Manifest) -> bool:
    """Whether the controller of the object has not seen its latest spec yet."""
    return manifest.generation > integer(manifest, "status", "observedGeneration")


def healthy(message: str = "") -> Health:
    """Build a Healthy."""
    return Health(HealthCode.HEALTHY, message)


def progressing(message: str = "") -> Health:
    """Build a Progressing."""
    return Health(HealthCode.PROGRESSING, message)


def degraded(message: str = "") -> Health:
    """Build a Degraded."""
    return Health(HealthCode.DEGRADED, message)


def suspended(message: str = "") -> Health:
    """Build a Suspended."""
    return Health(HealthCode.SUSPENDED, message)


def unknown(message: str = "") -> Health:
    """Build an Unknown."""
    return Health(HealthCode.UNKNOWN, message)
