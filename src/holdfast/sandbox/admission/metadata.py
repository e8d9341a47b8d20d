"""Metadata: what the server fills in, what it keeps, and when the generation grows."""

from collections.abc import Mapping

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.plane import Plane, name_suffix, new_uid
from holdfast.sandbox.statuses import bad_request, conflict, plain_failure

# A generated name keeps at most this much of its base, so that five letters still fit into 63.
MAX_GENERATED_BASE = 58

# Kinds that count their generation, and the parts of the object that make it grow.
_SPEC = ("spec",)
GENERATION_PARTS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): _SPEC,
    ("", "podtemplates"): ("template",),
    ("", "replicationcontrollers"): _SPEC,
    ("apps", "daemonsets"): _SPEC,
    ("apps", "deployments"): _SPEC,
    ("apps", "replicasets"): _SPEC,
    ("apps", "statefulsets"): _SPEC,
    ("batch", "cronjobs"): _SPEC,
    ("batch", "jobs"): _SPEC,
    ("discovery.k8s.io", "endpointslices"): ("endpoints", "ports", "addressType"),
    ("networking.k8s.io", "ingressclasses"): _SPEC,
    ("networking.k8s.io", "ingresses"): _SPEC,
    ("networking.k8s.io", "networkpolicies"): _SPEC,
    ("policy", "poddisruptionbudgets"): _SPEC,
    ("scheduling.k8s.io", "priorityclasses"): (),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): ("webhooks",),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): ("webhooks",),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"): _SPEC,
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"): _SPEC,
    ("apiextensions.k8s.io", "customresourcedefinitions"): _SPEC,
}


def check_envelope(resource: Resource, namespace: str, name: str, tree: Tree) -> Tree:
    """Check that body and path speak of the same object; return the object's own metadata.

    Raises:
        StatusError: 400, they do not.
    """
    version, kind = tree.get("apiVersion"), tree.get("kind")
    if version is not None and version != resource.api_version:
        if kind and version.rpartition("/")[0] == resource.group and not resource.custom:
            raise bad_request(_unregistered(resource, version, kind))
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if kind is not None and kind != resource.kind:
        raise bad_request(
            f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
            f"converting ({resource.version}.{kind}) to ({_internal(resource)}): "
            "unknown conversion"
        )
    metadata = tree.get("metadata")
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    if name and metadata.get("name") not in {None, "", name}:
        given = metadata.get("name")
        raise bad_request(
            f"the name of the object ({given}) does not match the name on the URL ({name})"
        )
    given_namespace = metadata.get("namespace") or ""
    if resource.namespaced and given_namespace not in {"", namespace}:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if not resource.namespaced and given_namespace:
        raise bad_request("namespace must not be set on cluster-scoped objects")
    return dict(metadata)


def _internal(resource: Resource) -> str:
    """The server's internal name of a kind: `core.ConfigMap`."""
    return f"{resource.group.split('.')[0] or 'core'}.{resource.kind}"


def _unregistered(resource: Resource, version: str, kind: str) -> str:
    own = version.rpartition("/")[2]
    return (
        f'{kind} in version "{own}" cannot be handled as a {resource.kind}: no kind "{kind}" is '
        f'registered for version "{version}" in scheme "pkg/runtime/scheme.go:111"'
    )


def fill_on_create(plane: Plane, resource: Resource, namespace: str, metadata: Tree) -> Tree:
    """Return the metadata of a new object: name, namespace, uid, time, generation.

    Raises:
        StatusError: 500, the client sent a resourceVersion.
    """
    if metadata.get("resourceVersion"):
        raise plain_failure("resourceVersion should not be set on objects to be created")
    base = metadata.get("generateName") or ""
    filled = {key: value for key, value in metadata.items() if value is not None}
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"):
        filled.pop(key, None)
    if not filled.get("name") and base:
        filled["name"] = base[:MAX_GENERATED_BASE] + name_suffix()
    if resource.namespaced:
        filled["namespace"] = namespace
    else:
        filled.pop("namespace", None)
    filled["uid"] = new_uid()
    filled["creationTimestamp"] = plane.now()
    if counts_generation(resource):
        filled["generation"] = 1
    return filled


def counts_generation(resource: Resource) -> bool:
    """Whether objects of the resource carry a generation."""
    return resource.custom or resource.id in GENERATION_PARTS


def keep_on_update(old: Mapping[str, JSON], new: Mapping[str, JSON]) -> Tree:
    """Return the metadata of a changed object: what only the server may write stays."""
    kept = {key: value for key, value in new.items() if value is not None}
    kept.setdefault("uid", old.get("uid"))
    kept["creationTimestamp"] = old.get("creationTimestamp")
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation", "namespace"):
        kept.pop(key, None)
        if key in old:
            kept[key] = old[key]
    kept["name"] = old["name"]
    kept.pop("selfLink", None)
    return kept


def next_generation(resource: Resource, old: Tree, new: Tree) -> int | None:
    """Return the generation of a changed object; None for kinds that do not count."""
    if not counts_generation(resource):
        return None
    current = int(old["metadata"].get("generation") or 0)
    return current + 1 if _grows(resource, old, new) else current


def _grows(resource: Resource, old: Tree, new: Tree) -> bool:
    if resource.custom:
        ignored = {"metadata", "apiVersion", "kind"}
        if resource.has_status:
            ignored.add("status")
        keys = (set(old) | set(new)) - ignored
        return any(old.get(key) != new.get(key) for key in keys)
    parts = GENERATION_PARTS[resource.id]
    if any(old.get(key) != new.get(key) for key in parts):
        return True
    if resource.id == ("apps", "deployments"):
        # Deployments count changes of their annotations too (the revision lives there).
        before = old["metadata"].get("annotations")
        return bool(before != new["metadata"].get("annotations"))
    return False


def check_versions(resource: Resource, name: str, old: Tree, sent: Tree) -> None:
    """Hold an update to the version that the client named.

    Raises:
        StatusError: 409, another writer was faster.
    """
    about = resource.named(name)
    current = old["metadata"]
    version = sent.get("resourceVersion")
    if version and version != current["resourceVersion"]:
        raise conflict(about)


def check_uid(resource: Resource, name: str, old: Tree, sent: Tree) -> None:
    """Hold a PUT to the uid that the client named.

    Raises:
        StatusError: 409, the object was deleted and created again.
    """
    asked, found = sent.get("uid"), old["metadata"]["uid"]
    if asked and asked != found:
        why = f"Precondition failed: UID in precondition: {asked}, UID in object meta: {found}"
        raise conflict(resource.named(name), why)
