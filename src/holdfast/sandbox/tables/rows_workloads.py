"""Rows of the tables of pods and what makes them."""

import datetime
from collections.abc import Callable

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.plane import parse_time
from holdfast.sandbox.tables.cells import (
    NONE,
    age,
    at,
    containers,
    human_duration,
    number,
    pairs,
    selector_text,
    since,
)

_WIDE = "Containers*, Images*, Selector*"

COLUMNS: dict[tuple[str, str], str] = {
    ("", "pods"): (
        "Name, Ready, Status, Restarts, Age, IP*, Node*, Nominated Node*, Readiness Gates*"
    ),
    ("", "podtemplates"): "Name, Containers, Images, Pod Labels",
    ("", "replicationcontrollers"): (
        f"Name, Desired:integer, Current:integer, Ready:integer, Age, {_WIDE}"
    ),
    ("apps", "controllerrevisions"): "Name, Controller, Revision, Age",
    ("apps", "daemonsets"): (
        "Name, Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, "
        f"Available:integer, Node Selector, Age, {_WIDE}"
    ),
    ("apps", "deployments"): f"Name, Ready, Up-to-date, Available, Age, {_WIDE}",
    ("apps", "replicasets"): (
        f"Name, Desired:integer, Current:integer, Ready:integer, Age, {_WIDE}"
    ),
    ("apps", "statefulsets"): "Name, Ready, Age, Containers*, Images*",
    ("autoscaling", "horizontalpodautoscalers"): (
        "Name, Reference, Targets, MinPods, MaxPods, Replicas, Age"
    ),
    ("batch", "cronjobs"): (
        f"Name, Schedule, Timezone, Suspend:boolean, Active:integer, Last Schedule, Age, {_WIDE}"
    ),
    ("batch", "jobs"): f"Name, Status, Completions, Duration, Age, {_WIDE}",
    ("policy", "poddisruptionbudgets"): (
        "Name, Min Available, Max Unavailable, Allowed Disruptions:integer, Age"
    ),
}


def _name(tree: Tree) -> str:
    return str(tree["metadata"]["name"])


def _template(tree: Tree) -> tuple[str, str]:
    return containers(at(tree, "spec", "template", "spec"))


def _pod_reason(tree: Tree) -> str:
    status = tree.get("status") or {}
    phase = str(status.get("phase", ""))
    reason = str(status.get("reason") or phase)
    running, failed = False, ""
    for row in reversed(status.get("containerStatuses") or []):
        state = row.get("state") or {}
        if at(state, "waiting", "reason"):
            reason = state["waiting"]["reason"]
        elif "terminated" in state:
            ended = state["terminated"]
            reason = ended.get("reason") or f"ExitCode:{ended.get('exitCode', 0)}"
            failed = reason if ended.get("exitCode") else failed
        elif row.get("ready") and "running" in state:
            running = True
    if reason == "Completed":
        reason = "Running" if running else failed or reason
    if tree["metadata"].get("deletionTimestamp") and phase not in {"Succeeded", "Failed"}:
        return "Terminating"
    return reason


def _pod(tree: Tree, now: datetime.datetime) -> list[JSON]:
    spec, status = tree.get("spec") or {}, tree.get("status") or {}
    rows = status.get("containerStatuses") or []
    ready = sum(1 for row in rows if row.get("ready") and "running" in (row.get("state") or {}))
    addresses = status.get("podIPs") or []
    gates = spec.get("readinessGates") or []
    return [
        _name(tree),
        f"{ready}/{len(spec.get('containers') or [])}",
        _pod_reason(tree),
        str(sum(number(row, "restartCount") for row in rows)),
        age(tree, now),
        addresses[0]["ip"] if addresses else NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        f"0/{len(gates)}" if gates else NONE,
    ]


def _pod_template(tree: Tree, now: datetime.datetime) -> list[JSON]:
    names, images = containers(at(tree, "template", "spec"))
    return [_name(tree), names, images, pairs(at(tree, "template", "metadata", "labels"))]


def _controller(tree: Tree, now: datetime.datetime) -> list[JSON]:
    return [
        _name(tree),
        number(tree, "spec", "replicas"),
        number(tree, "status", "replicas"),
        number(tree, "status", "readyReplicas"),
        age(tree, now),
        *_template(tree),
        pairs(at(tree, "spec", "selector")),
    ]


def _replica_set(tree: Tree, now: datetime.datetime) -> list[JSON]:
    return [*_controller(tree, now)[:-1], selector_text(at(tree, "spec", "selector"))]


def _revision(tree: Tree, now: datetime.datetime) -> list[JSON]:
    owner = NONE
    for row in tree["metadata"].get("ownerReferences") or []:
        if row.get("controller"):
            group = row["apiVersion"].rpartition("/")[0]
            kind = row["kind"].lower()
            owner = f"{kind}.{group}/{row['name']}" if group else f"{kind}/{row['name']}"
    return [_name(tree), owner, tree.get("revision", 0), age(tree, now)]


def _daemon_set(tree: Tree, now: datetime.datetime) -> list[JSON]:
    return [
        _name(tree),
        number(tree, "status", "desiredNumberScheduled"),
        number(tree, "status", "currentNumberScheduled"),
        number(tree, "status", "numberReady"),
        number(tree, "status", "updatedNumberScheduled"),
        number(tree, "status", "numberAvailable"),
        pairs(at(tree, "spec", "template", "spec", "nodeSelector")),
        age(tree, now),
        *_template(tree),
        selector_text(at(tree, "spec", "selector")),
    ]


def _deployment(tree: Tree, now: datetime.datetime) -> list[JSON]:
    ready = number(tree, "status", "readyReplicas")
    return [
        _name(tree),
        f"{ready}/{number(tree, 'spec', 'replicas')}",
        number(tree, "status", "updatedReplicas"),
        number(tree, "status", "availableReplicas"),
        age(tree, now),
        *_template(tree),
        selector_text(at(tree, "spec", "selector")),
    ]


def _stateful_set(tree: Tree, now: datetime.datetime) -> list[JSON]:
    ready = number(tree, "status", "readyReplicas")
    counts = f"{ready}/{number(tree, 'spec', 'replicas')}"
    return [_name(tree), counts, age(tree, now), *_template(tree)]


def _autoscaler(tree: Tree, now: datetime.datetime) -> list[JSON]:
    spec = tree.get("spec") or {}
    target = spec.get("scaleTargetRef") or {}
    least = spec.get("minReplicas")
    return [
        _name(tree),
        f"{target.get('kind')}/{target.get('name')}",
        _metrics(spec),
        NONE if least is None else str(least),
        number(spec, "maxReplicas"),
        number(tree, "status", "currentReplicas"),
        age(tree, now),
    ]


def _metrics(spec: Tree) -> str:
    shown = []
    for row in spec.get("metrics") or []:
        if row.get("type") == "Resource":
            target = at(row, "resource", "target") or {}
            name = at(row, "resource", "name")
            if target.get("averageUtilization") is not None:
                shown.append(f"{name}: <unknown>/{target['averageUtilization']}%")
            else:
                shown.append(f"{name}: <unknown>/{target.get('averageValue')}")
        else:
            shown.append("<unknown>/<auto>")
    if not shown:
        return NONE
    if len(shown) > 2:
        return f"{', '.join(shown[:2])} + {len(shown) - 2} more..."
    return ", ".join(shown)


def _cron_job(tree: Tree, now: datetime.datetime) -> list[JSON]:
    spec, status = tree.get("spec") or {}, tree.get("status") or {}
    last = status.get("lastScheduleTime")
    job = at(spec, "jobTemplate", "spec") or {}
    suspended = spec.get("suspend")
    return [
        _name(tree),
        spec.get("schedule", ""),
        spec.get("timeZone") or NONE,
        "<unset>" if suspended is None else ("True" if suspended else "False"),
        len(status.get("active") or []),
        since(last, now) if last else NONE,
        age(tree, now),
        *containers(at(job, "template", "spec")),
        selector_text(job.get("selector")),
    ]


def _job(tree: Tree, now: datetime.datetime) -> list[JSON]:
    spec, status = tree.get("spec") or {}, tree.get("status") or {}
    done, wanted = number(status, "succeeded"), spec.get("completions")
    if wanted is not None:
        completions = f"{done}/{wanted}"
    elif number(spec, "parallelism") > 1:
        completions = f"{done}/1 of {number(spec, 'parallelism')}"
    else:
        completions = f"{done}/1"
    duration = ""
    if status.get("startTime"):
        end = parse_time(status["completionTime"]) if status.get("completionTime") else now
        duration = human_duration((end - parse_time(status["startTime"])).total_seconds())
    return [
        _name(tree),
        _job_status(tree),
        completions,
        duration,
        age(tree, now),
        *_template(tree),
        selector_text(spec.get("selector")),
    ]


def _job_status(tree: Tree) -> str:
    rows = at(tree, "status", "conditions") or []
    true = {row.get("type") for row in rows if row.get("status") == "True"}
    if "Complete" in true or "Failed" in true:
        return "Complete" if "Complete" in true else "Failed"
    if tree["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for condition in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if condition in true:
            return condition
    return "Running"


def _budget(tree: Tree, now: datetime.datetime) -> list[JSON]:
    spec = tree.get("spec") or {}
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    return [
        _name(tree),
        "N/A" if least is None else str(least),
        "N/A" if most is None else str(most),
        number(tree, "status", "disruptionsAllowed"),
        age(tree, now),
    ]


ROWS: dict[tuple[str, str], Callable[[Tree, datetime.datetime], list[JSON]]] = {
    ("", "pods"): _pod,
    ("", "podtemplates"): _pod_template,
    ("", "replicationcontrollers"): _controller,
    ("apps", "controllerrevisions"): _revision,
    ("apps", "daemonsets"): _daemon_set,
    ("apps", "deployments"): _deployment,
    ("apps", "replicasets"): _replica_set,
    ("apps", "statefulsets"): _stateful_set,
    ("autoscaling", "horizontalpodautoscalers"): _autoscaler,
    ("batch", "cronjobs"): _cron_job,
    ("batch", "jobs"): _job,
    ("policy", "poddisruptionbudgets"): _budget,
}
