"""Wait for an Application, and show on the way what changes: the rows of `app sync` and `app wait`.

    TIMESTAMP                  GROUP        KIND   NAMESPACE        NAME    STATUS   HEALTH …
    2026-01-02T15:04:05+00:00   apps  Deployment        prod         web    Synced  Progressing

One row whenever something about an object changes, in a pipe as on a terminal. When an operation
counts as over: docs/internals/argocd/api.md §4.9.5.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.cli import layouts, trees
from holdfast.cli.command import Call
from holdfast.cli.documents import STRUCTURED, render
from holdfast.cli.frame import frame_for
from holdfast.cli.layouts import ResourceState, block, parse_time, text
from holdfast.cli.selection import Selection
from holdfast.cli.session import Link
from holdfast.cli.waiting import closing, explain_silence, noticing_silence
from holdfast.domain.commands import RefreshApplication
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import AppKey
from holdfast.domain.queries import GetApplication, ResourceTree

Tree = dict[str, Any]
_LAST_LOOK_S = 30.0
_HEADER = ("GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE")


@dataclass(frozen=True, slots=True)
class Goal:
    """What is waited for.

    Attributes:
        sync, health, suspended, degraded: States of the Application or of selected objects; the
            three health states are alternatives.
        operation: No operation may be running.
        deleted: The Application must be gone.
        hydrated: The hydrator must have written its branch.
        since: Ignore what was seen before this resourceVersion.
        timeout_s: Seconds; 0 is for ever.
    """

    sync: bool = False
    health: bool = False
    suspended: bool = False
    degraded: bool = False
    operation: bool = False
    deleted: bool = False
    hydrated: bool = False
    since: int = 0
    timeout_s: int = 0


class Progress:
    """Waits for one Application and prints rows, then its state."""

    def __init__(self, call: Call, link: Link, selection: Selection) -> None:
        """Rows are left out where one object is printed at the end (`-o json`)."""
        self._call = call
        self._link = link
        self._selection = selection
        self._form = call.values.text("output")
        self._shows_rows = self._form not in STRUCTURED
        self._seen: dict[tuple[str, str, str, str], ResourceState] = {}

    async def wait(self, app: AppKey, goal: Goal) -> Tree:
        """Return the Application as it is when the goal is reached (empty when deleted).

        Raises:
            ClusterError: HF2010 when the time is over; HF2003 when it was deleted meanwhile; HF2010
                when an object became Degraded while health is waited for.
        """
        if not goal.deleted:
            await self._link.queries.answer(GetApplication(app), "")  # or say that there is none
            if self._shows_rows:
                self._print_row("TIMESTAMP", _HEADER)
        try:
            async with (
                asyncio.timeout(goal.timeout_s or None),
                noticing_silence(self._call, self._link),
            ):
                await self._follow(app, goal)
        except TimeoutError as error:
            await self._print_timeout(app, goal)
            raise ClusterError(
                "HF2010",
                f'timed out ({goal.timeout_s}s) waiting for app "{app.name}" match desired state',
                about=app,
                hint=await explain_silence(self._link, app if goal.operation else None),
            ) from error
        if goal.deleted:
            return {}
        tree = await self._last_look(app)
        await self.print_state(app, tree, with_operation=goal.operation)
        return tree

    async def print_state(self, app: AppKey, tree: Tree, *, with_operation: bool) -> None:
        """Print the Application in the form that was asked for."""
        call, link = self._call, self._link
        if self._form in STRUCTURED:
            call.say(render(tree, self._form))
            return
        call.say("\n" + layouts.summary(tree, await frame_for(link, tree)) + "\n")
        now = link.clock.now()
        if with_operation:
            operation = layouts.operation(tree, now)
            if operation:
                call.say(operation)
        if self._form.startswith("tree"):
            nodes = await link.queries.answer(ResourceTree(app), "")
            call.say("\n" + trees.render(tree, nodes, now, self._form == "tree=detailed"))
            return
        table = layouts.resources(tree)
        if table:
            call.say("\n" + table)

    async def _follow(self, app: AppKey, goal: Goal) -> None:
        async with closing(self._link.queries.watch_application(app)) as versions:
            async for tree in versions:
                if tree is None:
                    if goal.deleted:
                        return
                    raise ClusterError("HF2003", "the application was deleted meanwhile", about=app)
                if int(text(tree, "metadata", "resourceVersion") or 0) < goal.since or goal.deleted:
                    continue
                self._show_changes(tree, goal)
                if is_reached(tree, goal, self._selection):
                    return
        raise ClusterError(
            "HF2001",
            "the connection that tells about the application ended before it was as wanted",
            about=app,
            hint=f"`holdfast app wait {app.name}` waits on",
        )

    def _show_changes(self, tree: Tree, goal: Goal) -> None:
        for state in self._selection.states(tree):
            before = self._seen.get(state.key)
            if before == state:
                continue
            self._seen[state.key] = state
            if self._shows_rows:
                now = self._link.clock.now().astimezone().isoformat(timespec="seconds")
                self._print_row(now, state.cells)
            if (
                goal.health
                and not goal.degraded
                and before is not None
                and before.health not in ("Unknown", "Degraded")
                and state.health == "Degraded"
            ):
                raise ClusterError(
                    "HF2010",
                    f"application '{text(tree, 'metadata', 'name')}' health state has transitioned "
                    f"from {before.health} to {state.health}",
                )

    async def _last_look(self, app: AppKey) -> Tree:
        try:
            async with asyncio.timeout(_LAST_LOOK_S):
                await self._link.commands.carry_out(RefreshApplication(app), "")
        except TimeoutError:
            self._call.note(
                f"the last comparison did not come within {_LAST_LOOK_S:.0f} s; this is what is "
                "known without it"
            )
        tree: Tree = await self._link.queries.answer(GetApplication(app), "")
        return tree

    async def _print_timeout(self, app: AppKey, goal: Goal) -> None:
        if goal.deleted or self._form in STRUCTURED:
            return
        tree = await self._link.queries.answer(GetApplication(app), "")
        self._call.say("\nThis is the state of the app after wait timed out:")
        await self.print_state(app, tree, with_operation=goal.operation)
        conditions = layouts.conditions(tree)
        if conditions:
            self._call.say(f"\n{conditions}")
        self._call.say("\nThe command timed out waiting for the conditions to be met.\n")

    def _print_row(self, when: str, cells: Sequence[str]) -> None:
        group, kind, namespace, name, status, health, hook, message = cells
        self._call.say(
            f"{when:<25}  {group:>5}  {kind:>10}  {namespace:>10}  {name:>20}  {status:>8}"
            f"  {health:>7}  {hook:>10}  {message}".rstrip()
        )


def is_reached(tree: Tree, goal: Goal, selection: Selection) -> bool:
    """Whether an Application is what is waited for."""
    if goal.operation and is_operating(tree):
        return False
    if goal.hydrated and not _is_hydrated(tree):
        return False
    if not selection.is_everything:
        states = selection.states(tree)
        return bool(states) and all(_suits(goal, item.status, item.health) for item in states)
    status, health = (
        text(tree, "status", "sync", "status"),
        text(tree, "status", "health", "status"),
    )
    return _suits(goal, status, health)


def is_operating(tree: Tree) -> bool:
    """Whether an operation is requested, running, or done but not yet compared again."""
    if tree.get("operation"):
        return True
    state = block(tree, "status", "operationState")
    if not state:
        return False
    finished = parse_time(state.get("finishedAt"))
    if finished is None:
        return True
    if block(state, "operation", "sync").get("dryRun"):
        return False
    reconciled = parse_time(block(tree, "status").get("reconciledAt"))
    return reconciled is None or reconciled < finished


def _suits(goal: Goal, sync: str, health: str) -> bool:
    wanted = {
        code
        for code, chosen in (
            ("Healthy", goal.health),
            ("Suspended", goal.suspended),
            ("Degraded", goal.degraded),
        )
        if chosen
    }
    return (not wanted or health in wanted) and (not goal.sync or sync == "Synced")


def _is_hydrated(tree: Tree) -> bool:
    state = block(tree, "status", "sourceHydrator")
    current, last = block(state, "currentOperation"), block(state, "lastSuccessfulOperation")
    return (
        current.get("phase") == "Hydrated"
        and current.get("drySHA") == last.get("drySHA")
        and current.get("sourceHydrator") == last.get("sourceHydrator")
    )
