"""CustomResourceDefinitions: what they serve, what they must say, what the server adds."""

from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import Tree
from holdfast.sandbox.kinds.builtin import CUSTOM_VERBS
from holdfast.sandbox.kinds.resource import Resource, Scale
from holdfast.sandbox.statuses import FieldError, invalid_value, required, unsupported
from holdfast.schema.kinds import Subresource

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
_AGE = {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
    "description": (
        "CreationTimestamp is a timestamp representing the server time when this object was "
        "created. It is not guaranteed to be set in happens-before order across separate "
        "operations. Clients may not set this value. It is represented in RFC3339 form and is in "
        "UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
        "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
        "#metadata"
    ),
}


def served_resources(crd: Tree) -> tuple[Resource, ...]:
    """Return what an established CRD serves: one resource for each served version."""
    conditions = {row["type"]: row["status"] for row in _status(crd).get("conditions") or []}
    if conditions.get("Established") != "True":
        return ()
    versions = crd["spec"]["versions"]
    storage = next(row["name"] for row in versions if row.get("storage"))
    terminating = bool(crd["metadata"].get("deletionTimestamp"))
    return tuple(
        _resource(crd, row, storage, terminating=terminating)
        for row in versions
        if row.get("served")
    )


def _status(crd: Tree) -> Tree:
    return crd.get("status") or {}


def _resource(crd: Tree, version: Tree, storage: str, *, terminating: bool) -> Resource:
    spec = crd["spec"]
    names = spec["names"]
    below = version.get("subresources") or {}
    scale = below.get("scale")
    columns = version.get("additionalPrinterColumns") or [_AGE]
    fields = [row["jsonPath"].lstrip(".") for row in version.get("selectableFields") or []]
    return Resource(
        group=spec["group"],
        version=version["name"],
        plural=names["plural"],
        kind=names["kind"],
        singular=names.get("singular") or names["kind"].lower(),
        namespaced=spec["scope"] == "Namespaced",
        verbs=CUSTOM_VERBS,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        list_kind=names.get("listKind") or f"{names['kind']}List",
        subresources=frozenset(name for name in ("scale", "status") if name in below),
        storage_version=storage,
        scale=_scale(scale) if scale is not None else None,
        custom=True,
        terminating=terminating,
        below=_below(spec, version),
        selectable=frozenset(fields),
        schema=(version.get("schema") or {}).get("openAPIV3Schema"),
        preserves=bool(spec.get("preserveUnknownFields")),
        columns=tuple(columns),
    )


def _below(spec: Tree, version: Tree) -> tuple[Subresource, ...]:
    subresources = version.get("subresources") or {}
    verbs = ("get", "patch", "update")
    own = GroupVersionKind(spec["group"], version["name"], spec["names"]["kind"])
    found = []
    if "status" in subresources:
        found.append(Subresource("status", own, verbs))
    if "scale" in subresources:
        found.append(Subresource("scale", GroupVersionKind("autoscaling", "v1", "Scale"), verbs))
    return tuple(found)


def _scale(scale: Tree) -> Scale:
    def path(key: str) -> tuple[str, ...]:
        return tuple(step for step in str(scale.get(key) or "").split(".") if step)

    return Scale(path("specReplicasPath"), path("statusReplicasPath"), path("labelSelectorPath"))


def completed_crd(crd: Tree) -> Tree:
    """Return a CRD with the names and strategies that it left out."""
    spec = dict(crd.get("spec") or {})
    names = dict(spec.get("names") or {})
    kind = str(names.get("kind") or "")
    names.setdefault("singular", kind.lower())
    names.setdefault("listKind", f"{kind}List" if kind else "")
    spec["names"] = {key: value for key, value in names.items() if value not in ("", None)}
    spec.setdefault("conversion", {"strategy": "None"})
    if spec.get("preserveUnknownFields") is False:
        del spec["preserveUnknownFields"]
    return {**crd, "spec": spec}


def crd_errors(crd: Tree, old: Tree | None) -> list[FieldError]:
    """Return what is wrong with a CRD, in the words of the real server."""
    spec = crd.get("spec") or {}
    names = spec.get("names") or {}
    name, group, plural = crd["metadata"].get("name"), spec.get("group"), names.get("plural")
    errors: list[FieldError] = []
    if name and name != f"{plural}.{group}":
        words = 'must be spec.names.plural+"."+spec.group'
        errors.append(invalid_value("metadata.name", name, words))
    errors += [
        required(f"spec.{path}")
        for path, value in (
            ("group", group),
            ("names.plural", plural),
            ("names.kind", names.get("kind")),
            ("scope", spec.get("scope")),
            ("versions", spec.get("versions")),
        )
        if not value
    ]
    scope = spec.get("scope")
    if scope and scope not in {"Namespaced", "Cluster"}:
        errors.append(unsupported("spec.scope", scope, ["Cluster", "Namespaced"]))
    errors += _version_errors(spec)
    if old is not None:
        errors += _change_errors(old["spec"], spec)
    return errors


def _version_errors(spec: Tree) -> list[FieldError]:
    versions = spec.get("versions") or []
    errors: list[FieldError] = []
    storing = sum(1 for row in versions if row.get("storage"))
    if versions and storing != 1:
        words = "must have exactly one version marked as storage version"
        errors.append(invalid_value("spec.versions", versions, words))
    for index, row in enumerate(versions):
        schema = (row.get("schema") or {}).get("openAPIV3Schema")
        field = f"spec.versions[{index}].schema.openAPIV3Schema"
        if schema is None:
            errors.append(required(field))
        elif schema.get("type") != "object":
            found = schema.get("type") or ""
            words = "must be object" if found else "must not be empty at the root"
            errors.append(
                invalid_value(f"{field}.type", found, words)
                if found
                else required(f"{field}.type", words)
            )
    return errors


def _change_errors(old: Tree, new: Tree) -> list[FieldError]:
    before, after = old["names"], new.get("names") or {}
    pairs = [(f"spec.{key}", old.get(key), new.get(key)) for key in ("group", "scope")]
    pairs += [(f"spec.names.{key}", before.get(key), after.get(key)) for key in ("plural", "kind")]
    return [
        invalid_value(field, now, "field is immutable") for field, was, now in pairs if was != now
    ]


def accepted_status(crd: Tree, now: str) -> Tree:
    """Return the status of a CRD whose names are accepted and which is served."""
    status = dict(_status(crd))
    versions = crd["spec"]["versions"]
    storage = next(row["name"] for row in versions if row.get("storage"))
    stored = list(status.get("storedVersions") or [])
    if storage not in stored:
        stored.append(storage)
    status["storedVersions"] = stored
    status["acceptedNames"] = crd["spec"]["names"]
    conditions = list(status.get("conditions") or [])
    for kind, reason, message in (
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ):
        conditions = with_condition(conditions, _condition(kind, "True", reason, message, now))
    status["conditions"] = conditions
    return status


def terminating(crd: Tree, now: str) -> Tree:
    """Return a CRD as its deletion leaves it: held until its objects are gone."""
    row = _condition(
        "Terminating",
        "True",
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        now,
    )
    status = dict(_status(crd))
    status["conditions"] = with_condition(list(status.get("conditions") or []), row)
    metadata = dict(crd["metadata"])
    finalizers = metadata.get("finalizers") or []
    if CLEANUP not in finalizers:
        metadata["finalizers"] = [*finalizers, CLEANUP]
    return {**crd, "metadata": metadata, "status": status}


def _condition(kind: str, value: str, reason: str, message: str, now: str) -> Tree:
    return {
        "type": kind,
        "status": value,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }


def with_condition(conditions: list[Tree], row: Tree) -> list[Tree]:
    """Return conditions with one set; its time stays while its status does."""
    found = []
    known = False
    for old in conditions:
        if old["type"] != row["type"]:
            found.append(old)
            continue
        known = True
        if old["status"] == row["status"] and "lastTransitionTime" in old:
            row = {**row, "lastTransitionTime": old["lastTransitionTime"]}
        found.append(row)
    return found if known else [*found, row]
