"""Parts of an object that a summary shows: its containers, its conditions, where it links to. Pure.

Values come from a cluster and may be anything: what has another type than it should have is left
out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from holdfast.api.page.app_view import block, blocks, moment, text
from holdfast.api.page.look import safe_url
from holdfast.domain.manifest import JSON, Tree

_LINK = "link.argocd.argoproj.io/"
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


@dataclass(frozen=True, slots=True)
class ContainerView:
    """A container of a Pod, or of the template of a workload.

    Attributes:
        state: `running`, `waiting: ImagePullBackOff` …; `""` in a template.
        is_init: It runs before the others.
    """

    name: str
    image: str
    is_init: bool
    state: str
    is_ready: bool
    restarts: int
    since: datetime | None
    last_end: str
    ports: tuple[str, ...]
    requests: str
    limits: str


@dataclass(frozen=True, slots=True)
class ConditionView:
    """One condition of an object's status."""

    type: str
    status: str
    reason: str
    message: str
    since: datetime | None


def pod_spec_of(live: Tree) -> Tree:
    """Return the Pod spec of a Pod or workload, `{}` for other kinds."""
    spec = block(live, "spec")
    if text(live, "kind") == "Pod":
        return spec
    if text(live, "kind") == "CronJob":
        return block(spec, "jobTemplate", "spec", "template", "spec")
    return block(spec, "template", "spec")


def containers_of(live: Tree) -> tuple[ContainerView, ...]:
    """Return the containers, those that run first at the end."""
    spec, status = pod_spec_of(live), block(live, "status")
    states = {
        text(one, "name"): one
        for name in ("containerStatuses", "initContainerStatuses")
        for one in blocks(status, name)
    }
    mains = [_container(one, states, is_init=False) for one in blocks(spec, "containers")]
    inits = [_container(one, states, is_init=True) for one in blocks(spec, "initContainers")]
    return (*mains, *inits)


def default_container(live: Tree) -> str:
    """Return the container whose log is shown first."""
    spec = pod_spec_of(live)
    where = live if text(live, "kind") == "Pod" else block(live, "spec", "template")
    wanted = text(
        block(where, "metadata", "annotations"), "kubectl.kubernetes.io/default-container"
    )
    names = [text(one, "name") for one in blocks(spec, "containers")]
    return wanted if wanted in names else (names or [""])[0]


def conditions_of_object(live: Tree) -> tuple[ConditionView, ...]:
    """Return the conditions of its status."""
    return tuple(
        ConditionView(
            text(one, "type"), text(one, "status"), text(one, "reason"), text(one, "message"),
            moment(one.get("lastTransitionTime")),
        )
        for one in blocks(live, "status", "conditions")
    )  # fmt: skip


def links_of_object(live: Tree) -> tuple[tuple[str, str], ...]:
    """Return `(title, url)` of its annotations, and the addresses of an Ingress."""
    found = [
        (str(key).removeprefix(_LINK), str(url))
        for key, url in sorted(block(live, "metadata", "annotations").items())
        if str(key).startswith(_LINK)
    ]
    if (group_of(live), text(live, "kind")) == ("networking.k8s.io", "Ingress"):
        found += [(url, url) for url in _addresses(live)]
    return tuple((title, safe) for title, url in found if (safe := safe_url(url)))


def _addresses(live: Tree) -> Iterator[str]:
    secure = {
        str(host) for one in blocks(live, "spec", "tls") for host in texts_of(one.get("hosts"))
    }
    for rule in blocks(live, "spec", "rules"):
        host = text(rule, "host")
        if host and "*" not in host:
            for path in blocks(rule, "http", "paths") or [{}]:
                scheme = "https" if host in secure else "http"
                yield f"{scheme}://{host}{text(path, 'path')}"


def _container(tree: Tree, states: dict[str, Tree], *, is_init: bool) -> ContainerView:
    name = text(tree, "name")
    seen = states.get(name, {})
    state, since = _state(block(seen, "state"))
    ended = block(seen, "lastState", "terminated")
    last_end = ""
    if ended:
        code = ended.get("exitCode")
        last_end = f"{text(ended, 'reason') or 'ended'}, exit code {code}"
    ports = (
        f"{port.get('containerPort')}/{text(port, 'protocol') or 'TCP'}"
        + (f" {text(port, 'name')}" if text(port, "name") else "")
        for port in blocks(tree, "ports")
    )
    restarts = seen.get("restartCount")
    return ContainerView(
        name=name,
        image=text(tree, "image"),
        is_init=is_init,
        state=state,
        is_ready=seen.get("ready") is True,
        restarts=restarts if isinstance(restarts, int) else 0,
        since=since,
        last_end=last_end,
        ports=tuple(ports),
        requests=amounts(block(tree, "resources", "requests")),
        limits=amounts(block(tree, "resources", "limits")),
    )


def _state(tree: Tree) -> tuple[str, datetime | None]:
    for name in ("running", "waiting", "terminated"):
        found = tree.get(name)
        if isinstance(found, dict):
            reason = text(found, "reason")
            since = moment(found.get("startedAt")) or moment(found.get("finishedAt"))
            return (f"{name}: {reason}" if reason else name), since
    return "", None


def amounts(tree: Tree) -> str:
    """Return quantities by name: `cpu 100m, memory 1Gi`."""
    return ", ".join(f"{name} {amount}" for name, amount in sorted(tree.items()))


def group_of(live: Tree) -> str:
    """Return the API group of an object, `""` for the core group."""
    group, slash, _ = text(live, "apiVersion").partition("/")
    return group if slash else ""


def texts_of(value: JSON) -> list[str]:
    """Return the items of a list as texts, `[]` for anything else."""
    return [str(item) for item in value] if isinstance(value, list) else []
