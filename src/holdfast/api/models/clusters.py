"""Shapes of clusters as clients send them (docs/internals/argocd/api.md §1.7)."""

from pydantic import Field

from holdfast.api.models.base import JsonObject, Shape, Switch
from holdfast.api.models.projects import ClusterQuery


class ClusterBody(Shape):
    """A cluster; `config` holds credentials, so it stands in no `repr`."""

    server: str = Field("", max_length=2048)
    name: str = Field("", max_length=253)
    config: JsonObject | None = Field(None, repr=False)
    namespaces: tuple[str, ...] | None = None
    cluster_resources: Switch = Field(False, alias="clusterResources")
    shard: int | None = None
    project: str = Field("", max_length=253)
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None

    def tree(self) -> JsonObject:
        """Return it as Argo CD writes it, without what was not given."""
        return self.model_dump(by_alias=True, exclude_none=True)


class ClusterUpdateQuery(ClusterQuery):
    """`PUT /clusters/{id.value}`."""

    updated_fields: tuple[str, ...] = Field((), alias="updatedFields")
