"""What the cluster serves changed: ask discovery anew, and let go on what waited for it."""

import logging
from collections.abc import Callable

from holdfast.controller.state import Registry
from holdfast.controller.wiring import ControllerPorts, Lanes
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import AppKey

log = logging.getLogger(__name__)

_TASK = "kinds"


class KindChanges:
    """Follows CRDs that come and go. Changes that come together are asked about once."""

    def __init__(
        self,
        ports: ControllerPorts,
        lanes: Lanes,
        registry: Registry,
        look_again: Callable[[AppKey], None],
    ) -> None:
        """Keep who is told.

        Args:
            ports: Where discovery, clock and supervisor come from.
            lanes: Its watches and observer learn of new kinds.
            registry: What is known.
            look_again: Wants a shallow round of an Application.
        """
        self._kinds = ports.kinds
        self._supervisor = ports.supervisor
        self._clock = ports.clock
        self._watches = lanes.watches
        self._observer = lanes.observer
        self._registry = registry
        self._look_again = look_again
        self._are_stale = False

    def changed(self) -> None:
        """Ask discovery soon: a CRD came, went, or serves something else."""
        self._are_stale = True
        if not self._supervisor.is_running(_TASK):
            self._supervisor.once(_TASK, self._ask())

    async def _ask(self) -> None:
        while self._are_stale:
            self._are_stale = False  # a change while we ask is asked about once more
            try:
                await self._kinds.refresh()
            except ClusterError as error:
                log.warning("discovery failed code=%s %s", error.code, error)
                self._are_stale = True
                await self._clock.sleep(error.retry_after_s or 1.0)
                continue
            self._use()

    def _use(self) -> None:
        """Objects of a kind that came may be watched, and healed, again."""
        for gvk in self._watches.failed_kinds():
            if self._kinds.find(gvk) is not None:
                self._watches.restart(gvk)
        self._observer.reconsider(self._registry.index.waiting())
        for state in self._registry.apps.values():
            if state.conditions or state.application.operation is not None:
                self._look_again(state.key)
