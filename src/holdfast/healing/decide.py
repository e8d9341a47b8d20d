"""Decide whether one drifted object may be healed, now, later or not; and say why.

In:  a `Situation` (what drifted, and what is known about the object and its Application), the
     `HealMemory` of the object, the `HealPolicy`, and the moment.
Out: exactly one `Verdict`.

First matching rule wins; the order is the contract and the tests follow it:
   1. nothing differs                                         -> Nothing
   2. the Application is being deleted                        -> Hold(application-deleting)
   3. we only observe                                         -> Hold(observe-only)
   4. `skip-reconcile` is set                                 -> Hold(skip-reconcile)
   5. a pause holds it                                        -> Hold(paused)
   6. automatic sync or self-heal is off                      -> Hold(self-heal-off)
   7. a person wants it observed only                         -> Hold(observed)
   8. the calendar says no                                    -> Hold(heal-window)
   9. another Application owns the object                     -> Hold(shared-resource)
  10. the object is a hook                                    -> Hold(hook)
  11. the object is an extra one: the sync lane prunes        -> Hold(no-target)
  12. nothing was ever applied to it by us                    -> Hold(no-target)
  13. a running sync still has to touch it                    -> Hold(sync-running)
  14. it is being deleted                                     -> Hold(terminating)
  15. it was a Job that had finished                          -> Hold(finished)
  16. its namespace or CRD is missing or being deleted        -> Hold(prerequisite-missing)
  17. the server refused this very manifest, still backing off-> Hold(refused)
  18. all that differs is fought over and backs off           -> Wait
  19. still backing off                                       -> Wait
  20. its heal-delay is not over                              -> Wait
  21. a pause ended, and git was not looked at since          -> Wait
  22. otherwise                                               -> Heal

Pure: no clock, no I/O. A verdict and not an exception: not healing is an expected result.
"""

from dataclasses import dataclass

from holdfast.domain.drift import DriftKind
from holdfast.domain.verdict import Heal, Hold, HoldReason, Nothing, Verdict, Wait
from holdfast.healing.memory import HealMemory, HealPolicy, next_attempt_at


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when a drift is seen.

    Attributes:
        kind: What happened, or None when nothing differs.
        target_hash: Hash of the manifest that would be applied; `""` when none is known.
        owner: Qualified name of the Application that owns the object when it is not ours.
        missing_prerequisite: `Namespace prod`, `CustomResourceDefinition x` …, or `""`.
        paused: Who holds it and why, for people; `""` when no pause does.
        observed: Why drift is reported only, or `""`.
        window: Why the calendar says no, or `""`.
        window_until_s: When that may change (monotonic seconds), None when nobody knows.
        delayed_until_s: When the heal-delay is over (monotonic seconds).
        fought_until_s: When the first field of a fight may be put back, if nothing else differs.
        paused_until_s: When that pause ends (monotonic seconds), None for no end.
        git_until_s: A pause has ended: how long to wait for a look at git (monotonic seconds).
            What was done meanwhile may stand there by now, and must not be undone first.
    """

    kind: DriftKind | None
    target_hash: str
    app_deleting: bool = False
    observe_only: bool = False
    skips_reconcile: bool = False
    self_heals: bool = True
    owner: str = ""
    is_hook: bool = False
    sync_running: bool = False
    terminating: bool = False
    finished_job: bool = False
    missing_prerequisite: str = ""
    paused: str = ""
    paused_until_s: float | None = None
    git_until_s: float = 0.0
    observed: str = ""
    window: str = ""
    window_until_s: float | None = None
    delayed_until_s: float = 0.0
    fought_until_s: float = 0.0


def decide(situation: Situation, memory: HealMemory, policy: HealPolicy, now_s: float) -> Verdict:
    """Return the verdict on one drift; `now_s` is on the monotonic clock."""
    hold = _find_hold(situation)
    if situation.kind is None:
        return Nothing()
    if hold is not None:
        return hold
    refused_before = bool(memory.refusal)
    if refused_before and memory.refused_hash != situation.target_hash:
        at = now_s  # git says something else now: the refusal was of another manifest
    else:
        at = next_attempt_at(memory, policy, now_s)
    if situation.fought_until_s > now_s and not refused_before:
        return Wait(situation.fought_until_s)
    if at > now_s:
        return Hold(HoldReason.REFUSED, memory.refusal, at) if refused_before else Wait(at)
    for until_s in (situation.delayed_until_s, situation.git_until_s):
        if until_s > now_s:
            return Wait(until_s)
    return Heal()


def _find_hold(seen: Situation) -> Hold | None:
    rules = (
        (seen.app_deleting, HoldReason.APP_DELETING, "the Application is being deleted"),
        (seen.observe_only, HoldReason.OBSERVE_ONLY, "Holdfast runs with --observe"),
        (seen.skips_reconcile, HoldReason.SKIP_RECONCILE, "skip-reconcile is set"),
        (bool(seen.paused), HoldReason.PAUSED, seen.paused),
        (not seen.self_heals, HoldReason.SELF_HEAL_OFF, "self-heal is off"),
        (bool(seen.observed), HoldReason.OBSERVED, seen.observed),
        (bool(seen.window), HoldReason.WINDOW, seen.window),
        (bool(seen.owner), HoldReason.SHARED, f"it belongs to {seen.owner}"),
        (seen.is_hook, HoldReason.HOOK, "it is a hook"),
        (seen.kind is DriftKind.EXTRA, HoldReason.NO_TARGET, "git does not declare it"),
        (not seen.target_hash, HoldReason.NO_TARGET, "nothing was applied to it yet"),
        (seen.sync_running, HoldReason.SYNC_RUNNING, "a running sync will apply it"),
        (seen.terminating, HoldReason.TERMINATING, "it is being deleted"),
        (seen.finished_job, HoldReason.FINISHED, "it is a Job that had finished"),
        (
            bool(seen.missing_prerequisite),
            HoldReason.PREREQUISITE,
            f"{seen.missing_prerequisite} is missing or being deleted",
        ),
    )
    for applies, reason, detail in rules:
        if applies:
            ends = {
                HoldReason.PAUSED: seen.paused_until_s,
                HoldReason.WINDOW: seen.window_until_s,
            }
            return Hold(reason, detail, ends.get(reason))
    return None
