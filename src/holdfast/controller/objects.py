"""What is known of each object, kept true as events and answers come in.

Both lanes tell this module what they saw and what they wrote; it keeps the live form, the echo and
the verdict on being in sync, and knows what an object needs before it can exist.
"""

from typing import TYPE_CHECKING

from holdfast.applying.write import LastApply
from holdfast.assessing.assess import assess
from holdfast.controller.packing import learned, pack_uid, share, share_form, share_kind, squeeze
from holdfast.controller.remembered import LiveForm, LiveObject, Target
from holdfast.controller.state import NO_PATHS, ObjectState, Registry
from holdfast.diffing.compare import EQUAL, Comparison, compare
from holdfast.diffing.echo import Echo, expecting
from holdfast.diffing.filling import has_empty
from holdfast.diffing.ignore import without_ignored
from holdfast.diffing.strictness import compare_strictly
from holdfast.domain.drift import SyncCode
from holdfast.domain.identity import ResourceKey
from holdfast.domain.kinds import CRD, NAMESPACE
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import Kinds
from holdfast.planning.tracking import Tracking, instance_to_app_text, is_root, owner_of
from holdfast.schema.field_path import Path

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.domain.application import Application

CREATE_NAMESPACE = "CreateNamespace=true"


class Objects:
    """Keeps `ObjectState`s true."""

    def __init__(self, registry: Registry, kinds: Kinds, tracking: Tracking) -> None:
        """Keep the registry; `ask_namespace` is set by the controller."""
        self._registry = registry
        self._kinds = kinds
        self.tracking = tracking
        self.ask_namespace: Callable[[Application, str], None] = lambda _app, _name: None

    # --- what was seen ------------------------------------------------------------------------

    def saw(
        self, state: ObjectState, manifest: Manifest, comparison: Comparison | None = None
    ) -> None:
        """Remember the live form; with a comparison against the current target, its verdict."""
        self._hold_echo(state, manifest, comparison)
        self._keep_live(state, manifest)
        self._conclude(state, comparison)

    def lost(self, state: ObjectState) -> None:
        """Remember that the object is gone."""
        self._disclaim(state)
        kept = state.kept_echo
        if kept is not None:
            state.lost_echo = kept
        state.forget_echo()
        state.live = None
        state.is_unjudged = True
        state.comparison = EQUAL
        state.sync = SyncCode.OUT_OF_SYNC if state.desired is not None else None
        if state.desired is None and state.applied is None:
            self._registry.drop(state)

    def judge(self, state: ObjectState, comparison: Comparison) -> None:
        """Remember how the live object compares with what git declares now."""
        state.comparison = comparison
        state.sync = SyncCode.SYNCED if comparison.is_equal else SyncCode.OUT_OF_SYNC
        state.is_unjudged = state.live is None or state.desired is None

    def is_judged(self, state: ObjectState) -> bool:
        """Whether `sync` was computed for what is desired and live at present."""
        return state.live is None or not (state.desired is None or state.is_unjudged)

    # --- what was written ---------------------------------------------------------------------

    def applied(
        self,
        state: ObjectState,
        target: Target,
        answer: Manifest,
        carried: frozenset[Path] = NO_PATHS,
    ) -> None:
        """Remember a successful apply: the fence, the target, the echo.

        Args:
            state: The object.
            target: What was applied.
            answer: The server's answer.
            carried: Fields that were sent with their live value because they back off.
        """
        state.fence = max(state.fence, answer.version_number)
        before = state.echo if carried and target.is_like(state.echoed) else None
        seen = without_ignored(answer, target.ignored)
        echo, comparison = learned(seen), EQUAL
        is_carrying = before is not None and echo is not None
        if before is not None and echo is not None:
            echo = expecting(echo, before, carried)
            comparison = compare(seen, echo, target.ignored.managers)
        elif target.is_strict and echo is not None:
            # What somebody added while we wrote is in the answer; its event is below the fence.
            managers, strictness = target.ignored.managers, target.strictness
            comparison = compare_strictly(seen, echo, managers, strictness)
            state.is_dirty = state.is_dirty or not comparison.is_equal
        state.applied = target
        state.differing = frozenset(row.path for row in comparison.differences) or NO_PATHS
        self._keep_live(state, answer)
        self._keep_echo(state, target, echo, is_live=not is_carrying)
        self._conclude(state, comparison)

    def found_equal(
        self, state: ObjectState, target: Target, echo: Echo | None, *, is_live: bool
    ) -> None:
        """Remember that the live object is what the target says, without a write.

        Args:
            state: The object.
            target: What it says.
            echo: What the server makes of it; None: not known.
            is_live: The echo was learned from the live object, as it is known.
        """
        state.applied = target
        if echo is not None:
            self._keep_echo(state, target, echo, is_live=is_live)

    def forget_target(self, state: ObjectState) -> Target | None:
        """Stop healing an object, before a prune or a deletion is sent; return what was there."""
        before, state.applied = state.applied, None
        state.forget_echo()
        return before

    # --- owners and prerequisites -------------------------------------------------------------

    def find_other_owner(self, state: ObjectState, live: Manifest | None) -> str:
        """Return the qualified name of another Application that owns the object, or `""`."""
        if state.app is None:
            return ""
        if live is not None:
            instance = owner_of(live, self.tracking) or ""
        else:
            instance = state.live.tracking if state.live is not None else ""
        control = self._registry.control_namespace
        if not instance or instance == state.app.instance_name(control):
            return ""
        if self._registry.find_owner(instance) is None:
            return ""  # a name that no Application has: left over, ours to heal
        return instance_to_app_text(instance, control)

    def prerequisite_of(self, state: ObjectState) -> ResourceKey | None:
        """Return the namespace or CRD that the object needs and that is not there."""
        namespace = state.key.namespace
        known = self._registry.namespaces
        if namespace and known is not None and known.get(namespace, True):
            return ResourceKey(NAMESPACE.group, NAMESPACE.kind, "", namespace)
        target = state.applied or state.desired
        if target is not None and self._kinds.find(target.gvk) is None:
            return ResourceKey(CRD.group, CRD.kind, "", str(state.key.group_kind))
        return None

    def find_missing_prerequisite(self, state: ObjectState) -> str:
        """Return what is missing, for people, or `""`."""
        missing = self.prerequisite_of(state)
        return str(missing) if missing is not None else ""

    def wait_for_prerequisite(self, state: ObjectState) -> None:
        """Look at the object again once its namespace or CRD is there."""
        if self._registry.objects.get(state.key) is state:
            self._registry.index.set_waiting(state, self.prerequisite_of(state))

    def ask_for_namespace(self, state: ObjectState) -> None:
        """Ask for the destination namespace where the Application creates it."""
        app = self._registry.apps.get(state.app) if state.app is not None else None
        namespace, known = state.key.namespace, self._registry.namespaces
        if app is None or not namespace or known is None or namespace in known:
            return
        wanted = app.application
        if wanted.destination.namespace == namespace and wanted.sync_policy.has_option(
            CREATE_NAMESPACE
        ):
            self.ask_namespace(wanted, namespace)

    def waiting_for(self, prerequisite: ResourceKey) -> list[ObjectState]:
        """Return the objects that wait for a namespace (or, for CRDs, for any kind)."""
        return self._registry.index.waiting_for(prerequisite)

    # --- inside -------------------------------------------------------------------------------

    def _keep_live(self, state: ObjectState, manifest: Manifest) -> None:
        """Keep the live form in the place of the one before."""
        instance = owner_of(manifest, self.tracking) or ""
        self._disclaim(state)
        data, sample = squeeze(manifest.with_metadata(uid=None), "live")
        form = LiveForm(
            sample=sample,
            gvk=share_kind(manifest.gvk),
            health=assess(manifest),
            is_root=is_root(manifest),
            is_terminating=manifest.is_terminating,
            is_finished_job=is_finished_job(manifest),
        )
        version = manifest.version_number
        state.live = LiveObject(
            data=pack_uid(manifest.uid) + data,
            version=state.fence if version == state.fence else version,
            tracking=share(instance),
            form=share_form(form),
        )
        state.is_unjudged = True
        self._registry.index.set_waiting(state, None)
        self._claim(state, instance)

    def _hold_echo(
        self, state: ObjectState, manifest: Manifest, comparison: Comparison | None
    ) -> None:
        """The live form is about to change: keep the echo, where the new one says another.

        What compares equal says the same: then the echo needs no place of its own.
        """
        kept = state.kept_echo
        if kept is None:
            return
        is_equal = comparison is EQUAL and kept.target.is_like(state.applied)
        if is_equal and kept.uid == manifest.uid:
            if state.own_echo is not None and state.own_echo.is_owned:
                state.find_in_live(kept.target)
            return
        echo = kept.unpack() if state.own_echo is None else None
        if echo is not None:
            state.keep_echo(kept.target, echo)

    def _keep_echo(
        self, state: ObjectState, target: Target, echo: Echo | None, *, is_live: bool
    ) -> None:
        """Remember the echo of a target; None: it is not known."""
        state.lost_echo = None
        if echo is None:
            state.forget_echo()
        elif is_live:
            state.find_in_live(target)
        else:
            state.keep_echo(target, echo)

    def _conclude(self, state: ObjectState, comparison: Comparison | None) -> None:
        """Take the comparison with what was applied for the verdict, if it is one."""
        if comparison is None or state.desired is None or not state.desired.is_like(state.applied):
            return
        if state.has_echo(state.applied):
            self.judge(state, comparison)

    def _claim(self, state: ObjectState, instance: str) -> None:
        """An object belongs to the Application that its tracking id names."""
        if not instance or state.live is None or not state.live.is_root:
            return
        owner = self._registry.find_owner(instance)
        if owner is None:
            self._registry.index.disown(state, instance)
            return
        app = self._registry.apps[owner]
        self._registry.hold(app, state)
        declared = app.desired.manifests.get(state.key) if app.desired is not None else None
        if state.app is None:
            state.app = owner
        elif state.app != owner and declared is not None:
            # Two Applications declare it: it belongs to the one in its tracking id (apply.md A6).
            state.app = owner
            state.declare(declared)

    def _disclaim(self, state: ObjectState) -> None:
        """The live form is about to change: what it said of its owner may hold no longer."""
        if state.live is not None:
            self._registry.index.own(state, state.live.tracking)


def is_finished_job(manifest: Manifest) -> bool:
    """Whether the object is a Job that has completed or failed."""
    if manifest.group != "batch" or manifest.kind != "Job":
        return False
    conditions = manifest.at("status", "conditions")
    return isinstance(conditions, list) and any(
        item.get("type") in ("Complete", "Failed") and item.get("status") == "True"
        for item in conditions
        if isinstance(item, dict)
    )


def find_last_apply(state: ObjectState, declared: Manifest) -> LastApply | None:
    """Return what a write of `declared` must know of the last one; mostly nothing."""
    target = state.applied
    if target is None or target.ignored or not has_empty(declared.tree):
        return None
    echo = state.find_echo(target)
    return LastApply(target.manifest, echo) if echo is not None else None
