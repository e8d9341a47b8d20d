"""What the sandbox serves besides custom resources: the kinds of a plain Kubernetes.

The facts (names, verbs, subresources) are the real server's discovery, from `schema.kinds`; what is
written here is only what a server has to know besides. A resource that is listed but not built
answers 501 and names itself (`NOT_BUILT`), so that discovery stays the real one.
"""

from holdfast.sandbox.kinds.resource import Resource, Scale
from holdfast.schema.kinds import BuiltinKind, builtin_kinds

# What may be done with custom resources.
CUSTOM_VERBS = (
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "create",
    "update",
    "watch",
)

_STORAGE_VERSION = {"autoscaling": "v2"}

_POLICIES = "mutatingadmissionpolicies", "validatingadmissionpolicies"
_BINDINGS = "mutatingadmissionpolicybindings", "validatingadmissionpolicybindings"
_WEBHOOKS = "mutatingwebhookconfigurations", "validatingwebhookconfigurations"

# Kinds whose objects would have to change what the server does. Accepting them without that would
# be a lie, so they cannot be created; reading them gives an empty list.
NOT_BUILT: dict[tuple[str, str], str] = {
    ("apiregistration.k8s.io", "apiservices"): "aggregated API servers",
    **{("admissionregistration.k8s.io", name): "admission policies" for name in _POLICIES},
    **{("admissionregistration.k8s.io", name): "admission policies" for name in _BINDINGS},
    **{("admissionregistration.k8s.io", name): "admission webhooks" for name in _WEBHOOKS},
}

# Paths below an object that are listed but not built.
NOT_BUILT_BELOW = {
    "attach": "running containers to attach to",
    "exec": "running containers to execute commands in",
    "log": "running containers that print logs",
    "portforward": "running containers to forward ports to",
    "proxy": "proxy",
    "token": "tokens of ServiceAccounts",
}


def builtin_resources() -> tuple[Resource, ...]:
    """Return the built-in resources in the order of discovery."""
    return tuple(_resource(kind) for kind in builtin_kinds() if kind.plural)


def _resource(kind: BuiltinKind) -> Resource:
    group, version = kind.gvk.group, kind.gvk.version
    subresources = frozenset(sub.name for sub in kind.subresources)
    return Resource(
        group=group,
        version=version,
        plural=kind.plural,
        kind=kind.gvk.kind,
        singular=kind.singular,
        namespaced=kind.namespaced,
        verbs=kind.verbs,
        short_names=kind.short_names,
        categories=kind.categories,
        list_kind=kind.list_kind,
        subresources=subresources,
        storage_version=_STORAGE_VERSION.get(group, version),
        scale=Scale() if "scale" in subresources else None,
        below=kind.subresources,
    )
