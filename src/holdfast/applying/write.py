"""Write one declared object, in as few requests as it takes.

    ours already, nothing renamed    1 request   apply
    owned by kubectl or Argo CD      2           follow their entries, apply      (apply.md A6)
    an edit that an apply can't undo 3           apply (422), take over, apply    (apply.md A1)

A refusal that remains after the take-over is the server's last word and is raised.
"""

from dataclasses import dataclass, field, replace

from holdfast.diffing.echo import Echo, learn
from holdfast.diffing.filling import without_filled
from holdfast.diffing.ignore import IgnoredPaths
from holdfast.diffing.keeping import keep_ignored
from holdfast.domain.errors import ClusterError, Retry
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import ApplyOptions, Authorized, Propagation, Verb
from holdfast.domain.ports import ClusterReader, ClusterWriter
from holdfast.healing.take_over import (
    follow_previous_managers,
    merge_own_update,
    parents_of,
    take_over,
)
from holdfast.schema.field_path import Path
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, project

MIGRATION_ANNOTATION = "argocd.argoproj.io/client-side-apply-migration-manager"
_NOTHING: frozenset[Path] = frozenset()
_INVALID = 422
_CONFLICT = 409
_CONFLICT_CODE = "HF2004"
_TRIES_BESIDE_IGNORED = 5
_GONE_CODE = "HF2003"
_TERMINATING_CODE = "HF2011"


@dataclass(frozen=True, slots=True)
class LastApply:
    """What was applied, and what the server made of it."""

    manifest: Manifest
    echo: Echo


@dataclass(frozen=True, slots=True)
class WriteOrder:
    """What to write.

    Attributes:
        target: Canonical, tracked, sealed.
        live: The object as last seen, None to create it.
        permit: Permission for exactly this object.
        options: How the apply is sent.
        drifted: Paths that differ, for a take-over.
        take_over_first: A declared list element was renamed; an apply alone would keep both.
        follows: Whether entries of earlier appliers become ours at the first write.
        previous_manager: One more manager to follow, or `""`.
        tries: Fresh reads for one take-over.
        applied_before: Fields of the manifest that was applied last, or None. What git dropped
            since goes even if somebody else's edit owns it by now (apply.md A6).
        replaces: Write the whole object (`Replace=true`) instead of applying.
        recreates: Delete and create again where the server refuses the change (`Force=true`).
        removes: Undeclared fields that must go (`holdfast.dev/strictness`): they are taken over
            first, and the apply drops them.
        ignored: What a change of a live object must neither set nor reset (apply.md A4); a new
            object gets it as declared.
        last: The last apply to this object: what a controller filled in since where the server
            dropped an empty value of ours is left out (apply.md A5). None when it is not known.
    """

    target: Manifest
    live: Manifest | None
    permit: Authorized
    options: ApplyOptions = field(default_factory=ApplyOptions)
    drifted: tuple[Path, ...] = ()
    take_over_first: bool = False
    follows: bool = True
    previous_manager: str = ""
    tries: int = 3
    applied_before: FieldSet | None = None
    replaces: bool = False
    recreates: bool = False
    removes: tuple[Path, ...] = ()
    ignored: IgnoredPaths = field(default_factory=IgnoredPaths)
    last: LastApply | None = None


class ObjectWriting:
    """Writes objects through two ports."""

    def __init__(self, reader: ClusterReader, writer: ClusterWriter) -> None:
        """Keep the ports."""
        self._reader = reader
        self._writer = writer

    async def write(self, order: WriteOrder) -> Manifest:
        """Write the object and return the server's answer.

        Raises:
            ClusterError: the server's refusal, or that it cannot be reached.
        """
        if order.live is None:
            return await self._writer.apply(order.target, order.permit, order.options)
        try:
            if order.replaces:
                return await self._replace(order)
            return await self._without_dropped(order, await self._change(order))
        except ClusterError as error:
            if not order.recreates or error.status not in (_INVALID, _CONFLICT):
                raise
        return await self._recreate(order)

    async def _change(self, order: WriteOrder) -> Manifest:
        if order.follows:
            await self._follow(order)
        if order.removes:
            await self._take_over(order, frozenset(order.removes))
        if order.take_over_first and await self._take_over(order):
            return await self._apply_to(order)
        try:
            return await self._apply_to(order)
        except ClusterError as error:
            if error.status != _INVALID or error.code == _GONE_CODE or order.take_over_first:
                raise
            if not order.drifted or not await self._take_over(order):
                raise
        return await self._apply_to(order)

    async def _without_dropped(self, order: WriteOrder, answer: Manifest) -> Manifest:
        """Apply once more where a field that git dropped is still there, owned by an edit."""
        echo = learn(answer)
        if order.applied_before is None or echo is None:
            return answer
        dropped = order.applied_before - echo.field_set
        if not dropped:
            return answer
        still = [
            path for path, value in project(answer.tree, dropped).rows() if value is not MISSING
        ]
        fields = take_over(answer, still) if still else None
        if fields is None or not await self._patched(answer, fields, order.permit):
            return answer
        return await self._apply_to(order)

    async def _replace(self, order: WriteOrder) -> Manifest:
        """PUT, then make the entry that a PUT leaves our Apply entry (apply.md A6)."""
        assert order.live is not None  # noqa: S101 - for the type checker; the caller branched
        target = order.target.with_metadata(resourceVersion=order.live.resource_version)
        await self._writer.replace(target, order.permit)
        for _ in range(order.tries):
            live = await self._read_again(order)
            fields = merge_own_update(live) if live is not None else None
            if live is None or fields is None:
                break
            if await self._patched(live, fields, order.permit):
                break
        return await self._apply_to(order)

    async def _recreate(self, order: WriteOrder) -> Manifest:
        """Delete in the background and create; the name is free once the object is gone.

        Raises:
            ClusterError: HF2011, a finalizer still holds it. An apply now would change what is
                about to vanish, and look like a success.
        """
        assert order.live is not None  # noqa: S101 - for the type checker; the caller branched
        permit = replace(order.permit, verb=Verb.DELETE)
        await self._writer.delete(
            order.live.gvk, permit, uid=order.live.uid, propagation=Propagation.BACKGROUND
        )
        if await self._read_again(order) is not None:
            raise ClusterError(
                _TERMINATING_CODE,
                "The object is being deleted to be created anew; a finalizer still holds it.",
                about=order.target.key,
                hint="it is created as soon as it is gone and the sync is tried again",
                retry=Retry.ON_PREREQUISITE,
            )
        return await self._writer.apply(order.target, order.permit, order.options)

    async def _apply_to(self, order: WriteOrder) -> Manifest:
        assert order.live is not None  # noqa: S101 - for the type checker; the caller branched
        if order.ignored:
            return await self._apply_beside_ignored(order)
        target = _declared(order, order.live).with_metadata(uid=order.live.uid)
        return await self._writer.apply(target, order.permit, order.options)

    async def _apply_beside_ignored(self, order: WriteOrder) -> Manifest:
        """Apply without setting or resetting ignored fields.

        Live values that are sent hold for one version of the object: when it moves, read again.
        """
        live = order.live
        for attempt in range(_TRIES_BESIDE_IGNORED):
            if attempt:
                live = await self._read_again(order)
            if live is None:
                break
            kept = keep_ignored(_declared(order, live), live, order.ignored)
            target = kept.manifest.with_metadata(uid=live.uid)
            if kept.has_live_values:
                target = target.with_metadata(resourceVersion=live.resource_version)
            try:
                return await self._writer.apply(target, order.permit, order.options)
            except ClusterError as error:
                is_last = attempt == _TRIES_BESIDE_IGNORED - 1
                if error.code != _CONFLICT_CODE or not kept.has_live_values or is_last:
                    raise
        raise ClusterError(
            _GONE_CODE,
            "The object was deleted meanwhile.",
            about=order.target.key,
            retry=Retry.ON_PREREQUISITE,
        )

    async def _follow(self, order: WriteOrder) -> None:
        """Make the entries of kubectl or Argo CD ours, once, before our first write."""
        live = order.live
        for _ in range(order.tries):
            if live is None:
                return
            fields = follow_previous_managers(live, order.previous_manager)
            if fields is None:
                return
            if await self._patched(live, fields, order.permit):
                return
            live = await self._read_again(order)

    async def _read_again(self, order: WriteOrder) -> Manifest | None:
        """Return the object anew; None when it is gone, or another one took its name."""
        assert order.live is not None  # noqa: S101 - for the type checker; the caller branched
        seen = order.live
        live = await self._reader.get(seen.gvk, seen.namespace, seen.name)
        return live if live is not None and live.uid == seen.uid else None

    async def _take_over(self, order: WriteOrder, exactly: frozenset[Path] = _NOTHING) -> bool:
        """Take over what stands under the drifted paths' parents; False when there is nothing.

        Args:
            order: What to write.
            exactly: Take these paths over instead, and nothing beside them.

        Raises:
            ClusterError: HF2004, the object moved at each try. An apply now would leave both
                values, and an echo that calls them right.
        """
        live = order.live
        for attempt in range(order.tries):
            if attempt:
                live = await self._read_again(order)
            if live is None:
                return False
            fields = take_over(live, exactly or parents_of(live, order.drifted))
            if fields is None:
                return False
            if await self._patched(live, fields, order.permit):
                return True
        raise ClusterError(
            _CONFLICT_CODE,
            f"The object was written by others at each of {order.tries} tries to take its fields "
            "over.",
            about=order.target.key,
            hint="Holdfast tries again by itself",
            retry=Retry.NOW,
        )

    async def _patched(
        self, live: Manifest, fields: list[dict[str, object]], permit: Authorized
    ) -> bool:
        try:
            await self._writer.patch_managed_fields(live, fields, permit)
        except ClusterError as error:
            if error.code != _CONFLICT_CODE:
                raise
            return False
        return True


def _declared(order: WriteOrder, live: Manifest) -> Manifest:
    last = order.last
    if last is None:
        return order.target
    return without_filled(order.target, live, last.manifest, last.echo)
