"""A test message through the controller that runs: it has the way out, and the Secrets.

Asked and answered in annotations of the ConfigMap `holdfast-notifications`; the number in both says
that they belong together.
"""

import uuid
from dataclasses import dataclass

from holdfast.domain.commands import Done, SendTestMessage
from holdfast.domain.errors import ConfigurationError, Retry, ToolError
from holdfast.domain.kinds import CONFIG_MAP
from holdfast.domain.notifications import (
    CONFIG_MAP_NAME,
    TARGET_PREFIX,
    TEST_ANNOTATION,
    TEST_RESULT_ANNOTATION,
    parse_test_result,
)
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, ClusterReader, SystemWriter

_LONGEST_S = 75.0  # twice the longest time limit of a target, and some
_LOOK_S = 0.2
_PLACE = "the grammar is in docs/reference/notifications.md"


@dataclass(frozen=True, slots=True)
class Notifying:
    """Asks the controller for a test message, and waits for what became of it."""

    reader: ClusterReader
    system: SystemWriter
    clock: Clock
    namespace: str

    async def test(self, command: SendTestMessage) -> Done:
        """Send a test message to a target.

        Raises:
            ConfigurationError: HF3009, there is no such target.
            ToolError: HF4005, the target was not told, or no controller answered.
        """
        await self._check(command.target)
        number = uuid.uuid4().hex[:12]
        marks = {TEST_ANNOTATION: f"{number} {command.target}"}
        await self.system.merge_patch(
            CONFIG_MAP,
            self.namespace,
            CONFIG_MAP_NAME,
            {"metadata": {"annotations": marks}},
            SystemWrite.NOTIFICATION_TEST,
        )
        end_s = self.clock.monotonic() + _LONGEST_S
        while self.clock.monotonic() < end_s:
            found = await self.reader.get(CONFIG_MAP, self.namespace, CONFIG_MAP_NAME)
            text = found.annotation(TEST_RESULT_ANNOTATION) if found is not None else None
            result = parse_test_result(text, number)
            if result is not None:
                detail, is_sent = result
                return self._done(command.target, detail, is_sent=is_sent)
            await self.clock.sleep(_LOOK_S)
        raise ToolError(
            "HF4005",
            f"no controller answered within {_LONGEST_S:g} s",
            about=f"target {command.target}",
            hint="`holdfast status` says whether one runs; one that observes sends no tests",
        )

    def _done(self, target: str, detail: str, *, is_sent: bool) -> Done:
        if is_sent:
            return Done(f"{target} was told: {detail}")
        raise ToolError(
            "HF4005",
            f"target {target} was not told: {detail}",
            about=f"ConfigMap {self.namespace}/{CONFIG_MAP_NAME}",
            hint=_PLACE,
        )

    async def _check(self, target: str) -> None:
        found = await self.reader.get(CONFIG_MAP, self.namespace, CONFIG_MAP_NAME)
        data = found.at("data") if found is not None else None
        keys = sorted(data) if isinstance(data, dict) else []
        names = [key.removeprefix(TARGET_PREFIX) for key in keys if key.startswith(TARGET_PREFIX)]
        if target not in names:
            known = f"it has {', '.join(names)}" if names else "it has none"
            raise ConfigurationError(
                "HF3009",
                f"there is no target {target}: {known}",
                about=f"ConfigMap {self.namespace}/{CONFIG_MAP_NAME}",
                hint=_PLACE,
                retry=Retry.NEVER,
            )
