"""A sync that nobody asked for waits between two waves, and between two attempts, for a pause."""

from dataclasses import dataclass

from holdfast.controller.pauses import Held, Pauses
from holdfast.controller.run_state import Run
from holdfast.controller.state import AppState, Registry
from holdfast.controller.status_writer import StatusWriter
from holdfast.domain.operation import Phase
from holdfast.domain.ports import Clock

_LOOK_S = 60.0  # a pause that ends is told of; this is for an end that a person moved


@dataclass(frozen=True, slots=True)
class HeldOperations:
    """Keeps automatic operations from going on during a pause; what a person asked for does."""

    registry: Registry
    status: StatusWriter
    clock: Clock

    async def wait(self, state: AppState, run: Run) -> float | None:
        """Say on the Application why its operation does not go on.

        Returns:
            Seconds until another look; None where nothing holds it.
        """
        held = self._find(state, run)
        if held is None:
            return None
        disclaim(self.registry, state)
        if run.message != held.text:
            run.message = held.text
            await self.status.write_run(state, run)
        if held.until_s is None:
            return _LOOK_S
        return min(_LOOK_S, max(0.0, held.until_s - self.clock.monotonic()))

    def _find(self, state: AppState, run: Run) -> Held | None:
        if not run.operation.automated or run.phase is not Phase.RUNNING:
            return None
        if self.registry.pauses == {}:
            return None
        pauses = Pauses(self.registry, self.clock)
        return pauses.find_touched(state.application, self.registry.objects_of(state))


def disclaim(registry: Registry, state: AppState) -> None:
    """Nothing of an Application is left to an operation any more."""
    for key in state.keys:
        found = registry.objects.get(key)
        if found is not None:
            found.claimed_by_sync = False
