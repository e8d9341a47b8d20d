"""Notice that the wall clock steps: set by hand or by NTP, or the machine slept.

Ends that people name (pauses, windows) are on the wall clock, timers on the monotonic one. After a
step a timer rings at the wrong moment: an hour too late when the clock went an hour forward, as
after a laptop's sleep, which Linux' monotonic clock leaves out. Whoever keeps such timers is told.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from holdfast.controller.state import Registry
from holdfast.domain.ports import Clock

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 2.0
_STEP_S = 1.0  # less is how NTP slews a clock, and no end is named so exactly


class ClockSteps:
    """Compares the two clocks every other second; costs no request."""

    def __init__(self, clock: Clock, stepped: Callable[[timedelta], None]) -> None:
        """Tell `stepped` by how much the wall clock went forward; negative is back."""
        self._clock = clock
        self._stepped = stepped

    async def run(self) -> None:
        """Watch until cancelled."""
        before = self._offset_s()
        while True:
            await self._clock.sleep(_LOOK_EVERY_S)
            now = self._offset_s()
            step_s, before = now - before, now
            if abs(step_s) >= _STEP_S:
                log.warning("the wall clock stepped seconds=%+.1f", step_s)
                self._stepped(timedelta(seconds=step_s))

    def _offset_s(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()


def keep_ages(registry: Registry, forward: timedelta) -> None:
    """Let the last comparison of each Application stay as long ago as it was."""
    for state in registry.apps.values():
        if state.reconciled_at is not None:
            state.reconciled_at += forward
