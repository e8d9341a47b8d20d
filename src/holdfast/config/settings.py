"""What can be set about the controller. Durations are float seconds and say so by `_s`.

Defaults come from docs/internals/argocd/controller.md §10 where the key exists there.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RefreshSettings:
    """How often git is asked, and how long a failure stays quiet."""

    reconciliation_s: float = 120.0
    """Seconds between two looks at git for one Application (`timeout.reconciliation`)."""

    jitter_s: float = 60.0
    """Up to this many seconds are added, so that Applications spread (`….jitter`)."""

    hard_reconciliation_s: float = 0.0
    """Seconds after which the manifest cache is bypassed as well; 0 is never."""

    reconciled_at_interval_s: float = 3600.0
    """`status.reconciledAt` alone is written at most this often (decision record 0004): a steady
    cluster costs no request."""


@dataclass(frozen=True, slots=True)
class HealSettings:
    """The heal lane's patience (DESIGN §4.4)."""

    free_heals: int = 5
    """Heals of one object within `window_s` that happen at once: a person who deletes twice does
    not wait."""

    window_s: float = 60.0
    """Seconds over which `free_heals` counts."""

    base_s: float = 2.0
    """Seconds of the first wait after that (`controller.self.heal.backoff.timeout.seconds`)."""

    factor: float = 3.0
    """Growth of the wait (`controller.self.heal.backoff.factor`)."""

    cap_s: float = 300.0
    """Longest wait in seconds (`controller.self.heal.backoff.cap.seconds`)."""

    timeout_s: float = 30.0
    """Seconds after which one write of a heal is given up."""

    git_after_pause_s: float = 10.0
    """Longest wait in seconds for a look at git after a pause: what was fixed by hand meanwhile
    and taken into git must not be undone first."""

    take_over_tries: int = 3
    """Fresh reads for one take-over, because status writes move the object (apply.md A1)."""


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """The sync lane."""

    workers: int = 20
    """Applications that are worked on at the same time (`controller.status.processors`)."""

    wave_delay_s: float = 2.0
    """Seconds between two waves (`controller.sync.wave.delay.seconds`)."""

    timeout_s: float = 0.0
    """Seconds after which a running operation is terminated; 0 is never
    (`controller.sync.timeout.seconds`)."""

    parallel_writes: int = 16
    """Writes in flight for all Applications together; the API server's sweet spot on small
    machines (apply.md, What holds)."""

    parallel_dry_runs: int = 8
    """Dry runs in flight (apply.md C3)."""

    recheck_s: float = 30.0
    """A waiting operation looks again at the latest after this many seconds (§6.12)."""


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """Everything the controller needs to know."""

    control_namespace: str = "argocd"
    """Namespace of Applications, projects and settings."""

    selector: str = ""
    """Label selector: only Applications that match are looked after."""

    observe: bool = False
    """Compare and report, and send no write at all."""

    identity: str = "holdfast"
    """Who holds the lease: pod uid, or host and data folder."""

    status_debounce_s: float = 1.0
    """Status after heals is written at most this often for one Application (DESIGN §4.3)."""

    sync_timeout_of_watches_s: float = 30.0
    """Seconds to wait for the first lists before an Application is compared."""

    refresh: RefreshSettings = field(default_factory=RefreshSettings)
    heal: HealSettings = field(default_factory=HealSettings)
    sync: SyncSettings = field(default_factory=SyncSettings)
