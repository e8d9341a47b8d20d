"""Paths below an object besides its status: scale, eviction, binding, finalize, log."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.http.answers import OBJECT_FORMS, Answer, json_answer, negotiate
from holdfast.sandbox.http.changing import Changer, delete_options, write_options
from holdfast.sandbox.http.requests import Request, decode_object
from holdfast.sandbox.http.reviews import find_review
from holdfast.sandbox.kinds.builtin import NOT_BUILT_BELOW
from holdfast.sandbox.kinds.paths import Target
from holdfast.sandbox.kinds.resource import Resource, Scale
from holdfast.sandbox.options import WriteOptions
from holdfast.sandbox.plane import NAMESPACES, Plane
from holdfast.sandbox.statuses import (
    Named,
    invalid,
    invalid_value,
    not_built,
    resource_missing,
    server_does_not_allow,
)
from holdfast.sandbox.store.objects import Stored
from holdfast.sandbox.tables.cells import selector_text
from holdfast.sandbox.verbs.patching import patched_tree
from holdfast.sandbox.verbs.writing import is_finished

Review = Callable[[Request, Target], Awaitable[Answer]]

# Subresources of pods that are written as the pod itself.
_WHOLE_POD = frozenset({"ephemeralcontainers", "resize"})


@dataclass(frozen=True, slots=True)
class Subresources:
    """Answers them."""

    plane: Plane
    changer: Changer

    def find_review(self, resource: Resource) -> Review | None:
        """Return what answers a POST that keeps nothing, None for ordinary kinds."""
        return find_review(resource)

    async def answer(self, request: Request, resource: Resource, target: Target) -> Answer:
        """Answer a path below an object.

        Raises:
            StatusError: 404, there is no such path; 501, it is not built.
        """
        name = target.subresource
        if name not in resource.subresources:
            raise resource_missing()
        if name == "scale" and resource.scale is not None:
            return await self._scale(request, resource, target, resource.scale)
        if name == "eviction" and request.method == "POST":
            return await self._evict(request, resource, target)
        if name == "binding" and request.method == "POST":
            return await self._bind(request, resource, target)
        if name == "finalize" and request.method == "PUT":
            return await self._finalize(request, resource, target)
        if name == "log" and request.method == "GET":
            self.changer.writer.live(resource, target.namespace, target.name)  # or 404
        if name in _WHOLE_POD and request.method != "GET":
            return await self._whole(request, resource, target)
        raise not_built(NOT_BUILT_BELOW.get(name, f"{resource.plural}/{name}"))

    async def _whole(self, request: Request, resource: Resource, target: Target) -> Answer:
        if request.method == "PATCH":
            return await self.changer.patch(request, resource, target)
        return await self.changer.update(request, resource, target)

    async def _scale(
        self, request: Request, resource: Resource, target: Target, scale: Scale
    ) -> Answer:
        storage = self.plane.registry.find_id(resource.id) or resource
        live = self.changer.writer.live(storage, target.namespace, target.name)
        view = scale_tree(resource, live.tree, scale)
        if request.method == "GET":
            return json_answer(view)
        if request.method == "PUT":
            wanted = decode_object(request.content_type, await request.body())
        elif request.method == "PATCH":
            body = await request.body()
            wanted = patched_tree(request.content_type, view, body)
        else:
            raise server_does_not_allow()
        options = write_options(request)
        changed = self._rescaled(storage, live, wanted, scale, options)
        if not options.dry_run:
            await self.plane.store.settled()
        return json_answer(scale_tree(resource, changed.tree, scale))

    def _rescaled(
        self, resource: Resource, live: Stored, wanted: Tree, scale: Scale, options: WriteOptions
    ) -> Stored:
        replicas = (wanted.get("spec") or {}).get("replicas", 0)
        if not isinstance(replicas, int) or replicas < 0:
            words = "must be greater than or equal to 0"
            about = Named("autoscaling", "scales", "Scale", live.tree["metadata"]["name"])
            raise invalid(about, [invalid_value("spec.replicas", replicas, words)])
        metadata = dict(live.tree["metadata"])
        sent = wanted.get("metadata") or {}
        metadata.pop("resourceVersion", None)
        if sent.get("resourceVersion"):
            metadata["resourceVersion"] = sent["resourceVersion"]
        fresh = with_value({**live.tree, "metadata": metadata}, scale.replicas, replicas)
        # In managedFields the change belongs to the scale subresource.
        return self.changer.writer.change(resource, live, fresh, options.at("scale")).stored

    async def _evict(self, request: Request, resource: Resource, target: Target) -> Answer:
        eviction = decode_object(request.content_type, await request.body())
        raw_options = eviction.get("deleteOptions") or {}
        options = delete_options(request, raw_options)
        self.changer.deleter.delete(resource, target.namespace, target.name, options)
        await self.plane.store.settled()
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return json_answer({**status, "code": 201}, 201)

    async def _bind(self, request: Request, resource: Resource, target: Target) -> Answer:
        binding = decode_object(request.content_type, await request.body())
        live = self.changer.writer.live(resource, target.namespace, target.name)
        spec = {**live.tree["spec"], "nodeName": (binding.get("target") or {}).get("name")}
        key = (target.namespace, target.name)
        metadata = dict(live.tree["metadata"])
        self.plane.store.put(resource.id, key, {**live.tree, "metadata": metadata, "spec": spec})
        await self.plane.store.settled()
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return json_answer({**status, "code": 201}, 201)

    async def _finalize(self, request: Request, resource: Resource, target: Target) -> Answer:
        if resource.id != NAMESPACES:
            raise resource_missing()
        sent = decode_object(request.content_type, await request.body())
        live = self.changer.writer.live(resource, "", target.name)
        finalizers = (sent.get("spec") or {}).get("finalizers") or []
        spec: Tree = {"finalizers": finalizers} if finalizers else {}
        fresh = {**live.tree, "spec": spec, "metadata": dict(live.tree["metadata"])}
        key = ("", target.name)
        if is_finished(fresh):
            stored = self.plane.store.remove(resource.id, key)
        else:
            stored = self.plane.store.put(resource.id, key, fresh)
        await self.plane.store.settled()
        form = negotiate(request.accept, OBJECT_FORMS)
        return self.changer.reader.one(request, resource, stored, form)


def scale_tree(resource: Resource, tree: Tree, scale: Scale) -> Tree:
    """Return an object as its Scale."""
    metadata = tree["metadata"]
    kept = {
        key: metadata[key]
        for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        if key in metadata
    }
    status: Tree = {"replicas": _at(tree, scale.status_replicas) or 0}
    selector = _at(tree, scale.selector) if resource.custom else _selector(tree)
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": kept,
        "spec": {"replicas": replicas} if (replicas := _at(tree, scale.replicas)) else {},
        "status": status,
    }


def _selector(tree: Tree) -> str:
    selector = (tree.get("spec") or {}).get("selector") or {}
    if tree["kind"] == "ReplicationController":
        selector = {"matchLabels": selector}
    return selector_text(selector)


def _at(tree: JSON, path: tuple[str, ...]) -> JSON:
    for step in path:
        if not isinstance(tree, dict):
            return None
        tree = tree.get(step)
    return tree if path else None


def with_value(tree: Tree, path: tuple[str, ...], value: JSON) -> Tree:
    """Return a tree with one value set."""
    if not path:
        return tree
    step, *rest = path
    if not rest:
        return {**tree, step: value}
    return {**tree, step: with_value(tree.get(step) or {}, tuple(rest), value)}
