"""Clients that are too old to be served (docs/internals/argocd/api.md §1.1).

`argocd` says who it is as `argocd-client/<version>`. What comes without that, or with a version
that cannot be read, is served: curl and browsers say nothing of the kind.
"""

import re

from starlette.requests import Request

from holdfast.api.failures import ApiError, Code

LEAST = (1, 4, 0)
_CLIENT = re.compile(
    r"argocd-client/v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(-[0-9A-Za-z.-]+)?(?:[+\s]|$)", re.ASCII
)


def demand_new_enough(request: Request) -> None:
    """Refuse a client of Argo CD that is older than 1.4.0.

    Raises:
        ApiError: 400 with gRPC code 9.
    """
    said = _CLIENT.match(request.headers.get("user-agent", ""))
    if said is None:
        return
    major, minor, patch, before = said.groups()
    version = (int(major), int(minor), int(patch))
    # A pre-release comes before its release.
    if version < LEAST or (version == LEAST and before):
        least = ".".join(str(part) for part in LEAST)
        words = f"unsatisfied client version constraint: it must be {least} or later"
        raise ApiError(Code.FAILED_PRECONDITION, words)
