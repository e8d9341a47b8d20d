"""`Sighting`: a drift as it was seen, and since when."""

from dataclasses import dataclass, replace
from datetime import datetime

from holdfast.diffing.compare import Comparison, describe
from holdfast.domain.drift import Drift, DriftKind
from holdfast.domain.identity import ResourceKey, Uid
from holdfast.domain.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Sighting:
    """A drift as it was seen.

    Attributes:
        live: The object, None when it is gone.
        comparison: With what was applied; None when it is gone.
        began_s: Receipt of the event, monotonic seconds.
        at: The same on the wall clock.
        gone: uid of the object that is gone, and resourceVersion of the event that said so.
        first: resourceVersion of the event that showed this very drift first; 0: this one did.
        after: The newest resourceVersion before it that was as it should be; 0: not known.
    """

    live: Manifest | None
    comparison: Comparison | None
    began_s: float
    at: datetime
    gone: tuple[Uid, int] = (Uid(""), 0)
    first: int = 0
    after: int = 0

    @property
    def seen(self) -> tuple[Uid, int]:
        """Which object, in which version."""
        if self.live is None:
            return self.gone
        return self.live.uid, self.first or self.live.version_number

    @property
    def is_disowned(self) -> bool:
        """Whether all values are as they should be, and only our ownership is gone."""
        return self.comparison is not None and self.comparison.is_disowned

    def since(self, earlier: "Sighting | None") -> "Sighting":
        """Return it as part of an earlier one that nothing was sent for yet.

        A controller that writes the status follows an edit within milliseconds. It is the edit
        that made the drift, and with it that the drift began.
        """
        if earlier is None or earlier.live is None or self.live is None:
            return self
        if earlier.live.uid != self.live.uid:
            return self
        joined = replace(self, after=earlier.after)
        if self.comparison is None or earlier.comparison is None:
            return joined
        if self.comparison.differences != earlier.comparison.differences:
            return joined
        return replace(joined, began_s=earlier.began_s, at=earlier.at, first=earlier.seen[1])

    def drift(self, key: ResourceKey) -> Drift:
        """Return the drift of the object in words."""
        if self.live is None or self.comparison is None:
            return Drift(key, DriftKind.MISSING)
        return describe(self.comparison, self.live)
