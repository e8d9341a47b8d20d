"""Questions that are asked by POST and keep nothing: who am I, may I.

There is one user, who may do everything; a review says so for what exists here.
"""

from collections.abc import Awaitable, Callable

from holdfast.domain.manifest import Tree
from holdfast.sandbox.http.answers import Answer, json_answer
from holdfast.sandbox.http.requests import Request, decode_object
from holdfast.sandbox.kinds.paths import Target
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.statuses import not_built

USER = "holdfast-sandbox-admin"
GROUPS = ("system:masters", "system:authenticated")


def find_review(
    resource: Resource,
) -> Callable[[Request, Target], Awaitable[Answer]] | None:
    """Return what answers a POST on a review, None for ordinary kinds."""
    if resource.group == "authorization.k8s.io":
        return _rules if resource.kind == "SelfSubjectRulesReview" else _access
    if resource.kind == "SelfSubjectReview":
        return _who
    if resource.kind == "TokenReview":
        return _token
    return None


async def _access(request: Request, target: Target) -> Answer:
    del target
    review = decode_object(request.content_type, await request.body())
    status = {"allowed": True, "reason": "the sandbox has one user, who may do everything"}
    return json_answer({**_bare(review), "status": status}, 201)


async def _rules(request: Request, target: Target) -> Answer:
    del target
    review = decode_object(request.content_type, await request.body())
    status = {
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "incomplete": False,
    }
    return json_answer({**_bare(review), "status": status}, 201)


async def _who(request: Request, target: Target) -> Answer:
    del target
    review = decode_object(request.content_type, await request.body())
    info = {"username": USER, "groups": list(GROUPS)}
    return json_answer({**_bare(review), "status": {"userInfo": info}}, 201)


async def _token(request: Request, target: Target) -> Answer:
    del target
    await request.body()
    raise not_built("tokens besides its own, so nothing to review them with")


def _bare(review: Tree) -> Tree:
    kept = {key: item for key, item in review.items() if key != "status"}
    return {**kept, "metadata": {"creationTimestamp": None}}
