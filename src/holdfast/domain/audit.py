"""Who asked the API server for what, as its audit log says.

`AuditedRequest` is one finished request that wrote; `DriftAttributed` says that it was the one
that made an object drift.
"""

from dataclasses import dataclass
from datetime import datetime

from holdfast.domain.identity import Uid
from holdfast.domain.manifest import Tree


@dataclass(frozen=True, slots=True)
class AuditedRequest:
    """One request that the API server carried out.

    Attributes:
        audit_id: The API server's name for it.
        username: Whose rights it was judged by: the impersonated user where there is one.
        impersonator: Who impersonated (`kubectl --as`), else `""`.
        user_agent, source_ip: What the client said of itself, and where it came from.
        verb: `create`, `update`, `patch`, `delete` or `deletecollection`.
        group, resource, namespace, name: The object; `resource` is plural, `name` is `""` for a
            collection.
        subresource: Such as `scale`, `""` for the object itself.
        manager: The field manager it wrote as, as far as the request tells.
        uid: The object as far as the audit level tells, else `""`.
        version: resourceVersion of the answer, 0 where the audit level has none.
        at: When it was answered, by the API server's clock.
    """

    audit_id: str
    username: str
    impersonator: str
    user_agent: str
    source_ip: str
    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    subresource: str
    manager: str
    uid: Uid
    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DriftAttributed:
    """The request that made an object drift.

    Attributes:
        matched_by: What proves it: `resourceVersion`, `uid`, or `time` for the only request that
            can have been it.
    """

    episode: str
    request: AuditedRequest
    matched_by: str


@dataclass(frozen=True, slots=True)
class Culprit:
    """Who made a drift, as the journal keeps it; see `AuditedRequest`."""

    username: str
    impersonator: str
    user_agent: str
    source_ip: str
    verb: str
    subresource: str
    audit_id: str
    matched_by: str
    at: datetime

    @property
    def shown(self) -> str:
        """Return the user for people; of an impersonation both."""
        if self.impersonator:
            return f"{self.username} (impersonated by {self.impersonator})"
        return self.username

    def to_tree(self) -> Tree:
        """Return it as JSON."""
        return {
            "user": self.username,
            "impersonatedBy": self.impersonator or None,
            "userAgent": self.user_agent,
            "sourceIP": self.source_ip,
            "verb": self.verb,
            "subresource": self.subresource,
            "auditID": self.audit_id,
            "matchedBy": self.matched_by,
            "at": self.at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.at.microsecond // 1000:03}Z",
        }
