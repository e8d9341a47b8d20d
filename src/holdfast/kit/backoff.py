"""A pause that grows after each failure: `base * factor ** failures`, capped, with jitter."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after the n-th failure in a row.

    Attributes:
        base_s: Seconds after the first failure.
        factor: Growth for each further failure; at least 1.
        cap_s: Never longer than this.
        jitter: Share of the pause that is added at random, 0 for none.
    """

    base_s: float = 0.5
    factor: float = 2.0
    cap_s: float = 30.0
    jitter: float = 0.0

    def delay_s(self, failures: int, rng: random.Random | None = None) -> float:
        """Return seconds to wait after that many failures in a row; 0 for none.

        Args:
            failures: How often it failed without a success in between.
            rng: Source of the jitter; without it there is none.
        """
        if failures <= 0:
            return 0.0
        # The exponent is bounded first: 2.0 ** 2000 would overflow.
        delay = min(self.cap_s, self.base_s * self.factor ** min(failures - 1, 64))
        if rng is not None and self.jitter > 0:
            delay += delay * self.jitter * rng.random()
        return delay
