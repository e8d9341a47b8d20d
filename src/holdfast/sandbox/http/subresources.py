"""Paths below an object besides its status, and reviews that are asked by POST."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from holdfast.domain.manifest import Tree
from holdfast.sandbox.http.answers import Answer, json_answer
from holdfast.sandbox.http.changing import Changer, write_options
from holdfast.sandbox.kinds.paths import Target
from holdfast.sandbox.http.requests import Request, decode_object
from holdfast.sandbox.kinds.builtin import NOT_BUILT_BELOW
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.statuses import not_built, resource_missing, server_does_not_allow

Review = Callable[[Request, Target], Awaitable[Answer]]

USER = "holdfast-sandbox-admin"
GROUPS = ["system:masters", "system:authenticated"]


@dataclass(frozen=True, slots=True)
class Subresources:
    """Answers them."""

    plane: Plane
    changer: Changer

    def find_review(self, resource: Resource) -> Review | None:
        """Return what answers a POST that keeps nothing, None for ordinary kinds."""
        return None

    async def answer(self, request: Request, resource: Resource, target: Target) -> Answer:
        """Answer a path below an object.

        Raises:
            StatusError: 404, there is no such path; 501, it is not built.
        """
        name = target.subresource
        if name not in resource.subresources:
            raise resource_missing()
        raise not_built(NOT_BUILT_BELOW.get(name, f"{resource.plural}/{name}"))
