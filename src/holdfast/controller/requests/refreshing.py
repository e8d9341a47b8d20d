"""Ask the controller to compare again, and wait until it has (api.md §4.9.4)."""

from contextlib import aclosing
from dataclasses import dataclass

from holdfast.controller.requests.feed import ApplicationFeed
from holdfast.controller.requests.lookup import Lookup
from holdfast.domain.application import (
    APPLICATION,
    REFRESH_ANNOTATION,
    REFRESH_TIMESTAMP_ANNOTATION,
)
from holdfast.domain.commands import Done, RefreshApplication
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, SystemWriter


@dataclass(frozen=True, slots=True)
class Refreshing:
    """Sets the refresh annotation and waits until the controller has taken it off."""

    system: SystemWriter
    lookup: Lookup
    feed: ApplicationFeed
    clock: Clock

    async def refresh(self, command: RefreshApplication) -> Done:
        """Return the Application as it is after the comparison.

        There is no time limit here: without a controller it waits for ever, as Argo CD does.

        Raises:
            ConfigurationError: HF3003, it does not exist or was deleted meanwhile.
        """
        app = await self.lookup.application(command.app)
        kind = "hard" if command.hard else "normal"
        # Nanoseconds, so that two requests in one second differ and none is lost.
        stamp = self.clock.now().isoformat(timespec="microseconds").replace("+00:00", "000Z")
        patch = {
            "metadata": {
                "annotations": {REFRESH_ANNOTATION: kind, REFRESH_TIMESTAMP_ANNOTATION: stamp}
            }
        }
        asked = await self.system.merge_patch(
            APPLICATION,
            app.key.namespace,
            app.key.name,
            patch,
            SystemWrite.APPLICATION_METADATA,
        )
        if not command.wait:
            return Done("requested", asked.tree)
        async with aclosing(self.feed.follow(app.key)) as versions:
            async for seen in versions:
                if seen is None:
                    break
                if (
                    seen.version_number > asked.version_number
                    and seen.annotation(REFRESH_ANNOTATION) is None
                ):
                    return Done("refreshed", seen.tree)
        raise ConfigurationError(
            "HF3003", "the application was deleted while it was refreshed", about=app.key
        )
