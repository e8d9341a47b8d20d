"""Shapes of tokens of project roles (docs/internals/argocd/api.md §1.5)."""

from pydantic import Field

from holdfast.api.models.base import Shape


class ProjectTokenBody(Shape):
    """`POST /projects/{project}/roles/{role}/token`; `expiresIn` is seconds, 0 is never."""

    description: str = ""
    id: str = Field("", max_length=200)
    expires_in: int = Field(0, alias="expiresIn", ge=0, le=10 * 366 * 86400)


class ProjectTokenQuery(Shape):
    """`DELETE` of a token."""

    id: str = Field("", max_length=200)
