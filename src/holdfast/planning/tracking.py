"""Whose object is this? Writing and reading the tracking annotation (controller.md §2).

    argocd.argoproj.io/tracking-id: <instance>:<group>/<kind>:<namespace>/<name>

Cluster-scoped objects carry the destination namespace in the id. CustomResourceDefinitions never
receive tracking data, so they are never candidates for pruning.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from holdfast.domain.application import TRACKING_ANNOTATION
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.identity import GroupKind, ResourceKey
from holdfast.domain.manifest import JSON, Manifest
from holdfast.planning.definitions import is_crd

INSTALLATION_ANNOTATION = "argocd.argoproj.io/installation-id"
DEFAULT_INSTANCE_LABEL = "app.kubernetes.io/instance"
LEGACY_INSTANCE_LABEL = "applications.argoproj.io/app-name"

_LABEL_LENGTH = 63
_POD_TEMPLATE_KINDS = frozenset(
    {
        GroupKind("apps", "Deployment"),
        GroupKind("apps", "ReplicaSet"),
        GroupKind("apps", "StatefulSet"),
        GroupKind("apps", "DaemonSet"),
        GroupKind("batch", "Job"),
    }
)


class TrackingMethod(StrEnum):
    """`application.resourceTrackingMethod`."""

    LABEL = "label"
    ANNOTATION = "annotation"
    ANNOTATION_AND_LABEL = "annotation+label"

    @classmethod
    def parse(cls, text: str) -> "TrackingMethod":
        """Read the setting; empty and unknown values are `annotation`, as in Argo CD."""
        return next((method for method in cls if method.value == text), cls.ANNOTATION)


@dataclass(frozen=True, slots=True)
class Tracking:
    """The tracking settings of the installation (controller.md §2.1)."""

    method: TrackingMethod = TrackingMethod.ANNOTATION
    instance_label: str = DEFAULT_INSTANCE_LABEL
    installation_id: str = ""


@dataclass(frozen=True, slots=True)
class TrackingId:
    """A parsed tracking id."""

    instance: str
    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """The annotation's value."""
        return f"{self.instance}:{self.group}/{self.kind}:{self.namespace}/{self.name}"

    @classmethod
    def of(cls, instance: str, manifest: Manifest, destination_namespace: str) -> "TrackingId":
        """Return the id that a target must carry."""
        namespace = manifest.namespace or destination_namespace
        return cls(instance, manifest.group, manifest.kind, namespace, manifest.name)

    @classmethod
    def find(cls, text: str | None) -> "TrackingId | None":
        """Parse an annotation's value; None when it is absent or malformed (= untracked)."""
        parts = (text or "").split(":", 2)
        if len(parts) != 3:
            return None
        kind, where = parts[1].split("/"), parts[2].split("/")
        if len(kind) != 2 or len(where) != 2:
            return None
        return cls(parts[0], kind[0], kind[1], where[0], where[1])


def with_tracking(
    manifest: Manifest, instance: str, destination_namespace: str, tracking: Tracking
) -> Manifest:
    """Return the target with the tracking data that the method asks for.

    Raises:
        ConfigurationError: HF3009, the instance name leaves no valid label value.
    """
    if is_crd(manifest):
        return manifest
    if tracking.method is TrackingMethod.LABEL:
        return _with_instance_label(manifest, tracking.instance_label, instance)
    text = str(TrackingId.of(instance, manifest, destination_namespace))
    tracked = manifest.with_annotation(TRACKING_ANNOTATION, text).with_annotation(
        INSTALLATION_ANNOTATION, tracking.installation_id or None
    )
    if tracking.method is TrackingMethod.ANNOTATION_AND_LABEL:
        return _with_instance_label(tracked, tracking.instance_label, _shortened(instance))
    return tracked


def owner_of(live: Manifest, tracking: Tracking) -> str | None:
    """Return the instance name of the Application that the object says it belongs to."""
    if tracking.method is TrackingMethod.LABEL:
        return live.label(tracking.instance_label)
    wanted = tracking.installation_id
    if wanted and live.annotation(INSTALLATION_ANNOTATION) != wanted:
        return None
    found = TrackingId.find(live.annotation(TRACKING_ANNOTATION))
    return found.instance if found else None


def is_root(live: Manifest) -> bool:
    """Whether the object can be owned by an Application itself, not through a parent.

    Not counted: claims of StatefulSets, whose parent only the cache can know (§8.5).
    """
    return not live.owner_references and not _has_inferred_owner(live)


def is_self_referencing(live: Manifest | None, target: Manifest | None, tracking: Tracking) -> bool:
    """Whether the tracking data on the live object is really meant for it (controller.md §2.4).

    An operator may copy annotations to objects that it makes; those are not ours.
    """
    if live is None or tracking.method is TrackingMethod.LABEL:
        return True
    key = live.key
    if target is not None:
        return _is_same(key, target.group, target.kind, target.namespace, target.name)
    own = TrackingId.find(live.annotation(TRACKING_ANNOTATION))
    return own is None or _is_same(key, own.group, own.kind, own.namespace, own.name)


def instance_to_app_text(instance: str, control_namespace: str) -> str:
    """Return `<namespace>/<name>` for an instance name, as conditions print it.

    Namespaces hold no `_`, so the first one separates; a plain name lives beside the controller.
    """
    namespace, separator, name = instance.partition("_")
    return f"{namespace}/{name}" if separator else f"{control_namespace}/{instance}"


def _is_same(key: ResourceKey, group: str, kind: str, namespace: str, name: str) -> bool:
    return (
        key.group == group
        and key.kind == kind
        and key.name == name
        and key.namespace in ("", namespace)
    )


def _has_inferred_owner(live: Manifest) -> bool:
    match (live.group, live.kind):
        case ("", "Endpoints"):
            return True
        case ("", "Secret"):
            return (
                live.tree.get("type") == "kubernetes.io/service-account-token"
                and live.annotation("kubernetes.io/service-account.name") is not None
                and live.annotation("kubernetes.io/service-account.uid") is not None
            )
        case ("operators.coreos.com", "ClusterServiceVersion"):
            return live.annotation("olm.operatorGroup") is not None
        case _:
            return False


def _shortened(instance: str) -> str:
    text = re.sub(r"[^A-Za-z0-9]+$", "", instance[:_LABEL_LENGTH])
    if not text:
        raise ConfigurationError(
            "HF3009",
            f"No label value can be made of the instance name {instance!r}.",
            hint="rename the Application, or use resourceTrackingMethod: annotation",
            retry=Retry.NEVER,
        )
    return text


def _with_instance_label(manifest: Manifest, label: str, value: str) -> Manifest:
    labelled = manifest.with_label(label, value)
    if label != LEGACY_INSTANCE_LABEL or manifest.key.group_kind not in _POD_TEMPLATE_KINDS:
        return labelled
    spec, template = labelled.at("spec"), labelled.at("spec", "template")
    if not isinstance(template, dict):
        return labelled
    metadata: JSON = template.get("metadata") or {}
    labels = {**(metadata.get("labels") or {}), label: value}
    template = {**template, "metadata": {**metadata, "labels": labels}}
    return Manifest({**labelled.tree, "spec": {**spec, "template": template}})
