"""Where objects live on an API server: kind, namespace and name to URL path."""

from urllib.parse import quote

from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.kinds import KindInfo


def group_version_path(gvk: GroupVersionKind) -> str:
    """Return `/apis/apps/v1`, or `/api/v1` for the core group."""
    return f"/apis/{gvk.group}/{gvk.version}" if gvk.group else f"/api/{gvk.version}"


def collection_path(info: KindInfo, namespace: str | None) -> str:
    """Return the path of all objects of a kind, in one namespace or (None, `""`) everywhere."""
    base = group_version_path(info.gvk)
    if info.namespaced and namespace:
        return f"{base}/namespaces/{quote(namespace, safe='')}/{info.plural}"
    return f"{base}/{info.plural}"


def object_path(info: KindInfo, namespace: str, name: str) -> str:
    """Return the path of one object. Names of RBAC objects may hold `:`, which is quoted."""
    return f"{collection_path(info, namespace)}/{quote(name, safe='')}"
