"""RFC 3339 in status and annotations, as aware UTC moments."""

from datetime import UTC, datetime

from holdfast.domain.manifest import JSON


def find_time(value: JSON) -> datetime | None:
    """Return the moment, or None when the value is absent or no RFC 3339 time."""
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None


def format_time(moment: datetime) -> str:
    """Return the form Kubernetes writes: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def kitchen_time(moment: datetime) -> str:
    """Return `3:04PM`, the form of retry messages, in UTC."""
    moment = moment.astimezone(UTC)
    return f"{moment.hour % 12 or 12}:{moment.minute:02d}{'AM' if moment.hour < 12 else 'PM'}"
