"""The objects of an Application as the tree, the list and the pods view show them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from holdfast.api.page.app_view import AppView, block, blocks, moment, text
from holdfast.api.page.tree_layout import Drawing, Node, lay_out, lay_out_below
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Tree

_ORDER = ("Namespace", "CustomResourceDefinition", "ConfigMap", "Secret", "ServiceAccount",
          "PersistentVolumeClaim", "Service", "Ingress", "Deployment", "StatefulSet", "DaemonSet",
          "Job", "CronJob", "ReplicaSet", "Pod")  # fmt: skip
_NAME_CHARS, _KIND_CHARS = 24, 24


@dataclass(frozen=True, slots=True)
class ObjectView:
    """One object.

    Attributes:
        managed: Whether git declares it; its children are not.
        sync: `""` for what is not managed.
        chips: Short facts: `2/2`, `Rev:3`.
        parents: Ids of what it grew out of.
    """

    group: str
    version: str
    kind: str
    namespace: str
    name: str
    managed: bool
    sync: str
    needs_pruning: bool
    health: str
    health_message: str
    created: datetime | None
    chips: tuple[str, ...]
    images: tuple[str, ...]
    parents: tuple[str, ...]
    wave: int
    is_hook: bool

    @property
    def id(self) -> str:
        """`GROUP/KIND/NAMESPACE/NAME`, as Argo CD's page writes it in URLs."""
        return f"{self.group}/{self.kind}/{self.namespace}/{self.name}"

    @property
    def short_name(self) -> str:
        """The name, cut in the middle: its end tells pods apart."""
        if len(self.name) <= _NAME_CHARS:
            return self.name
        return f"{self.name[: _NAME_CHARS - 11]}…{self.name[-10:]}"

    @property
    def short_kind(self) -> str:
        """The kind, cut."""
        return self.kind if len(self.kind) <= _KIND_CHARS else self.kind[: _KIND_CHARS - 1] + "…"

    @property
    def key(self) -> ResourceKey:
        """What it is in the cluster."""
        return ResourceKey(self.group, self.kind, self.namespace, self.name)

    def link(self, app: AppView) -> str:
        """Return where its screen is; a tab is added as `&tab=NAME`."""
        return object_link(app, self.key)

    @property
    def selected(self) -> dict[str, str]:
        """The object as a sync names it."""
        return {
            "group": self.group,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
        }


def object_link(app: AppView, key: ResourceKey) -> str:
    """Return the address of the screen of one object of an Application."""
    named = {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}
    return f"{app.url}/object?{urlencode({name: word for name, word in named.items() if word})}"


def objects_of(app: Tree, nodes: Iterable[Tree]) -> tuple[ObjectView, ...]:
    """Return managed objects, and with `nodes` of the resource tree what grew out of them."""
    managed = {_id(item): item for item in blocks(app, "status", "resources")}
    seen = {_id(node): node for node in nodes}
    found = [_object(item, seen.get(name), managed=True) for name, item in managed.items()]
    found += [
        _object(node, node, managed=False) for name, node in seen.items() if name not in managed
    ]
    return tuple(sorted(found, key=_sort_key))


def _object(item: Tree, node: Tree | None, *, managed: bool) -> ObjectView:
    node = node or {}
    health = block(item, "health") or block(node, "health")
    wave = item.get("syncWave")
    return ObjectView(
        group=text(item, "group"),
        version=text(item, "version") or text(node, "version"),
        kind=text(item, "kind"),
        namespace=text(item, "namespace"),
        name=text(item, "name"),
        managed=managed,
        sync=text(item, "status") if managed else "",
        needs_pruning=item.get("requiresPruning") is True,
        health=text(health, "status"),
        health_message=text(health, "message"),
        created=moment(node.get("createdAt")),
        chips=tuple(text(info, "value") for info in blocks(node, "info") if text(info, "value")),
        images=tuple(str(image) for image in node.get("images") or ()),
        parents=tuple(_id(parent) for parent in blocks(node, "parentRefs")),
        wave=wave if isinstance(wave, int) else 0,
        is_hook=item.get("hook") is True,
    )


def _id(item: Tree) -> str:
    return "/".join(text(item, name) for name in ("group", "kind", "namespace", "name"))


def _sort_key(item: ObjectView) -> tuple[int, str, str, str]:
    rank = _ORDER.index(item.kind) if item.kind in _ORDER else len(_ORDER)
    return (rank, item.kind, item.namespace, item.name)


def draw(app: AppView, objects: Sequence[ObjectView], *, is_narrow: bool = False) -> Drawing:
    """Lay the tree out: git, the Application, its objects, their children."""
    nodes = {item.id: Node(item.id, item) for item in objects}
    root = Node("app", app)
    for item in objects:
        parent = next((nodes[name] for name in item.parents if name in nodes), None)
        is_loop = parent is nodes[item.id]
        (root if parent is None or is_loop or item.managed else parent).children.append(
            nodes[item.id]
        )
    git = Node("git", app.source, [root])
    return lay_out_below(git) if is_narrow else lay_out(git)


@dataclass(frozen=True, slots=True)
class PodGroup:
    """Pods of one managed object."""

    owner: ObjectView
    pods: tuple[ObjectView, ...]


def pods_by_owner(objects: Sequence[ObjectView]) -> tuple[PodGroup, ...]:
    """Return the pods below each managed object, objects without pods left out."""
    by_id = {item.id: item for item in objects}
    groups: dict[str, list[ObjectView]] = defaultdict(list)
    for item in objects:
        if item.kind == "Pod" and not item.group:
            groups[_top(item, by_id).id].append(item)
    return tuple(PodGroup(by_id[owner], tuple(pods)) for owner, pods in groups.items())


def _top(item: ObjectView, by_id: dict[str, ObjectView]) -> ObjectView:
    for _ in range(len(by_id)):
        parent = next((by_id[name] for name in item.parents if name in by_id), None)
        if item.managed or parent is None:
            return item
        item = parent
    return item
