"""Jobs: pods that come to an end, counted until there are enough, or too many failures."""

import datetime
from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import PODS, Access, value
from holdfast.sandbox.controllers.conditions import is_true, set_condition
from holdfast.sandbox.controllers.engine import Wakes, own_key, owner_keys
from holdfast.sandbox.controllers.replicas import is_active, is_ready, pod_from_template
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.options import DeleteOptions
from holdfast.sandbox.plane import name_suffix, parse_time
from holdfast.sandbox.store.objects import Key

JOBS = ResourceId("batch", "jobs")
INDEX = "batch.kubernetes.io/job-completion-index"
_SOURCE = "job-controller"


@dataclass(slots=True)
class Count:
    """The pods of a Job.

    Attributes:
        active: Not ended.
        succeeded: Ended well (distinct indexes of an indexed Job).
        failed: Ended badly.
    """

    active: list[Tree]
    succeeded: int
    failed: int
    done: set[int]


@dataclass(slots=True)
class Jobs:
    """Reconciles Jobs."""

    name: str = "job"
    wakes: dict[ResourceId | None, Wakes] = field(
        default_factory=lambda: {JOBS: own_key, PODS: owner_keys("Job")}
    )

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Start pods, count them, and say when it is over."""
        job = access.find(JOBS, key)
        if job is None or job["metadata"].get("deletionTimestamp"):
            return None
        conditions = value(job, "status", "conditions", default=[])
        if is_true(conditions, "Complete") or is_true(conditions, "Failed"):
            return self._expire(access, job)
        if value(job, "spec", "suspend", default=False):
            self._suspend(access, job)
            return None
        count = _count(access, job)
        outcome = _outcome(access, job, count)
        if outcome:
            for pod in count.active:
                access.delete(PODS, pod)
            count = _count(access, job)
        else:
            self._start(access, job, count)
            count = _count(access, job)
        self._report(access, job, count, outcome)
        return _deadline(access, job) if not outcome else None

    def _start(self, access: Access, job: Tree, count: Count) -> None:
        wanted = value(job, "spec", "completions")
        parallel = int(value(job, "spec", "parallelism", default=1))
        if wanted is None:
            missing = parallel if not count.succeeded else 0
        else:
            missing = min(parallel, int(wanted) - count.succeeded)
        indexed = value(job, "spec", "completionMode") == "Indexed"
        running = {_index_of(pod) for pod in count.active}
        for _ in range(missing - len(count.active)):
            number: int | None = None
            if indexed:
                taken = running | count.done
                number = next(n for n in range(int(wanted or 0) + 1) if n not in taken)
                if number >= int(wanted or 0):
                    return
                running.add(number)
            self._create(access, job, number)

    @staticmethod
    def _create(access: Access, job: Tree, number: int | None) -> None:
        name = job["metadata"]["name"]
        template = value(job, "spec", "template", default={})
        pod_name: Tree = {"generateName": f"{name}-"}
        if number is not None:
            pod_name = {
                "generateName": f"{name}-{number}-",
                "name": f"{name}-{number}-{name_suffix()}",
            }
        pod = pod_from_template(template, job, pod_name)
        if number is not None:
            for part in ("annotations", "labels"):
                pod["metadata"][part] = {**(pod["metadata"].get(part) or {}), INDEX: str(number)}
        made = access.create(PODS, job["metadata"]["namespace"], pod)
        text = f"Created pod: {made['metadata']['name']}"
        access.emit(job, "Normal", "SuccessfulCreate", text, _SOURCE)

    @staticmethod
    def _suspend(access: Access, job: Tree) -> None:
        count = _count(access, job)
        for pod in count.active:
            access.delete(PODS, pod)
        status = dict(job.get("status") or {})
        row: Tree = {
            "type": "Suspended",
            "status": "True",
            "reason": "JobSuspended",
            "message": "Job suspended",
        }
        now = access.plane.now()
        if not is_true(status.get("conditions"), "Suspended"):
            row["lastProbeTime"] = now
            status["conditions"] = set_condition(status.get("conditions"), row, now)
        status.pop("startTime", None)
        access.set_status(JOBS, job, _counted(status, _count(access, job)))

    @staticmethod
    def _report(access: Access, job: Tree, count: Count, outcome: str) -> None:
        key = (job["metadata"]["namespace"], job["metadata"]["name"])
        job = access.find(JOBS, key) or job
        now = access.plane.now()
        status = _counted(dict(job.get("status") or {}), count)
        status.setdefault("startTime", now)
        conditions = status.get("conditions") or []
        if is_true(conditions, "Suspended"):
            row: Tree = {
                "type": "Suspended",
                "status": "False",
                "reason": "JobResumed",
                "message": "Job resumed",
                "lastProbeTime": now,
            }
            conditions = set_condition(conditions, row, now)
        if outcome == "complete":
            status["completionTime"] = now
        for kind in _END_CONDITIONS.get(outcome, ()):
            conditions = _ended(conditions, kind, *_ENDS[outcome], now)
        if conditions:
            status["conditions"] = conditions
        access.set_status(JOBS, job, status)
        if outcome == "complete":
            access.emit(job, "Normal", "Completed", "Job completed", _SOURCE)
        elif outcome:
            access.emit(job, "Warning", *_ENDS[outcome], _SOURCE)

    @staticmethod
    def _expire(access: Access, job: Tree) -> float | None:
        """Delete a finished Job when its time to live is over."""
        ttl = value(job, "spec", "ttlSecondsAfterFinished")
        if ttl is None:
            return None
        rows = value(job, "status", "conditions", default=[])
        ended = [row for row in rows if row["type"] in {"Complete", "Failed"}]
        end = parse_time(str(ended[0]["lastTransitionTime"]))
        left = (end + datetime.timedelta(seconds=ttl) - access.plane.clock.now()).total_seconds()
        if left > 0:
            return left
        access.delete(JOBS, job, DeleteOptions("Foreground", uid=job["metadata"]["uid"]))
        return None


_ENDS = {
    "complete": ("CompletionsReached", "Reached expected number of succeeded pods"),
    "backoff": ("BackoffLimitExceeded", "Job has reached the specified backoff limit"),
    "deadline": ("DeadlineExceeded", "Job was active longer than specified deadline"),
}

_END_CONDITIONS = {
    "complete": ("SuccessCriteriaMet", "Complete"),
    "backoff": ("FailureTarget", "Failed"),
    "deadline": ("FailureTarget", "Failed"),
}


def _counted(status: Tree, count: Count) -> Tree:
    """Return a status with the numbers of the pods."""
    numbers = {
        "active": len(count.active),
        "succeeded": count.succeeded,
        "failed": count.failed,
    }
    for name, number in numbers.items():
        status.pop(name, None)
        if number:
            status[name] = number
    status["ready"] = sum(1 for pod in count.active if is_ready(pod))
    status["terminating"] = 0
    status["uncountedTerminatedPods"] = {}
    if count.done:
        status["completedIndexes"] = _ranges(count.done)
    return status


def _ended(conditions: list[Tree], kind: str, reason: str, words: str, now: str) -> list[Tree]:
    row: Tree = {"type": kind, "status": "True", "lastProbeTime": now}
    return set_condition(conditions, {**row, "reason": reason, "message": words}, now)


def _count(access: Access, job: Tree) -> Count:
    pods = access.owned(job, PODS)
    active = [pod for pod in pods if is_active(pod)]
    good = [pod for pod in pods if value(pod, "status", "phase") == "Succeeded"]
    failed = sum(1 for pod in pods if value(pod, "status", "phase") == "Failed")
    if value(job, "spec", "completionMode") == "Indexed":
        done = {_index_of(pod) for pod in good}
        return Count(active, len(done), failed, done)
    return Count(active, len(good), failed, set())


def _outcome(access: Access, job: Tree, count: Count) -> str:
    """Return `complete`, `backoff`, `deadline`, or `""` while it goes on."""
    wanted = value(job, "spec", "completions")
    if wanted is not None and count.succeeded >= int(wanted):
        return "complete"
    if wanted is None and count.succeeded and not count.active:
        return "complete"
    if count.failed > int(value(job, "spec", "backoffLimit", default=6)):
        return "backoff"
    left = _deadline(access, job)
    return "deadline" if left is not None and left <= 0 else ""


def _deadline(access: Access, job: Tree) -> float | None:
    limit = value(job, "spec", "activeDeadlineSeconds")
    started = value(job, "status", "startTime")
    if limit is None or not started:
        return None
    passed = (access.plane.clock.now() - parse_time(started)).total_seconds()
    return float(limit) - passed


def _index_of(pod: Tree) -> int:
    return int((pod["metadata"].get("annotations") or {}).get(INDEX, "0"))


def _ranges(numbers: set[int]) -> str:
    """Return `0-2,5` for 0, 1, 2, 5."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)
