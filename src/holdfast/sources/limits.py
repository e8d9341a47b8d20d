"""How long reading git may take, how much it may bring, and how much of it is kept."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TreeLimits:
    """Bounds for one checkout."""

    total_bytes: int = 1024**3
    files: int = 200_000
    depth: int = 100


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """How long and how much.

    Attributes:
        refs_ttl_s: How long a remote's references are believed without asking again.
        fetch_s: Longest fetch.
        keep_s: A checkout that was not asked for during that time may be dropped.
        keep_trees: That many checkouts are kept in any case.
        sweep_s: How often old checkouts are looked for.
        tree: Bounds of one checkout.
    """

    refs_ttl_s: float = 30.0
    fetch_s: float = 120.0
    keep_s: float = 3600.0
    keep_trees: int = 64
    sweep_s: float = 600.0
    tree: TreeLimits = field(default_factory=TreeLimits)
