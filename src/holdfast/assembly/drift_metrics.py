"""`DriftMetrics`: counts drifts and heals as they happen."""

from holdfast.domain.events import (
    DriftClosed,
    DriftDecided,
    DriftOpened,
    Happening,
    HealAttempted,
    Outcome,
    SyncEnded,
)
from holdfast.domain.ports import Metrics


class DriftMetrics:
    """A `Listener`; one for each life of a controller."""

    def __init__(self, metrics: Metrics) -> None:
        """Begin with no open drift: a new controller opens its own episodes."""
        self._metrics = metrics
        self._open: set[str] = set()
        self._metrics.set_gauge("holdfast_drift_open", 0.0)

    def take(self, happening: Happening) -> None:
        """Count."""
        match happening:
            case DriftOpened():
                self._open.add(happening.episode)
                self._metrics.set_gauge("holdfast_drift_open", float(len(self._open)))
            case DriftClosed():
                self._open.discard(happening.episode)
                self._metrics.set_gauge("holdfast_drift_open", float(len(self._open)))
                self._metrics.increment("holdfast_drifts_total", how=happening.how.value)
            case HealAttempted():
                self._metrics.increment(
                    "holdfast_heals_total",
                    reason=happening.drift.kind.value,
                    outcome=happening.outcome.value,
                )
                if happening.outcome is Outcome.HEALED:
                    self._metrics.observe("holdfast_time_to_heal_seconds", happening.seconds)
            case DriftDecided() | SyncEnded():
                pass
