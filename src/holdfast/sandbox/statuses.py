"""What the server refuses, in the words of a real kube-apiserver.

`StatusError` is raised anywhere behind the HTTP border and written there as a `metav1.Status`.
Clients read `code`, `reason` and `details.causes`; people read `message`, and scripts compare it,
so the words are the real server's (docs/internals/argocd/apply.md A1, A3, A7; contract tests).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.domain.manifest import Tree


@dataclass(frozen=True, slots=True)
class Cause:
    """One field that is wrong.

    Attributes:
        reason: `FieldValueInvalid`, `FieldValueRequired`, `FieldManagerConflict` …
        message: The words for this field alone.
        field: Path of the field, `spec.replicas`.
    """

    reason: str
    message: str
    field: str

    def tree(self) -> Tree:
        """The cause as JSON."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


@dataclass(frozen=True, slots=True)
class FieldError:
    """A validation error before it is put into words."""

    reason: str
    field: str
    text: str

    def cause(self) -> Cause:
        """The entry of `details.causes`."""
        return Cause(self.reason, self.text, self.field)

    def __str__(self) -> str:
        """`spec.replicas: Invalid value: -1: must be …`."""
        return f"{self.field}: {self.text}"


def quoted(value: Any) -> str:
    """Return a value as Go prints it in a field error: strings in quotes, the rest as JSON."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return str(value)
    return _go_json(value)


def _go_json(value: Any) -> str:
    if isinstance(value, dict):
        inner = ",".join(f'"{key}":{_go_json(item)}' for key, item in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(_go_json(item) for item in value) + "]"
    return quoted(value)


def invalid_value(field: str, value: Any, detail: str) -> FieldError:
    """`Invalid value: <value>: <detail>`."""
    return FieldError("FieldValueInvalid", field, f"Invalid value: {quoted(value)}: {detail}")


def required(field: str, detail: str = "") -> FieldError:
    """`Required value[: <detail>]`."""
    text = f"Required value: {detail}" if detail else "Required value"
    return FieldError("FieldValueRequired", field, text)


def duplicate(field: str, value: Any) -> FieldError:
    """`Duplicate value: <value>`."""
    return FieldError("FieldValueDuplicate", field, f"Duplicate value: {quoted(value)}")


def unsupported(field: str, value: Any, allowed: Sequence[str]) -> FieldError:
    """`Unsupported value: <value>: supported values: …`."""
    names = ", ".join(quoted(item) for item in allowed)
    text = f"Unsupported value: {quoted(value)}: supported values: {names}"
    return FieldError("FieldValueNotSupported", field, text)


def forbidden_field(field: str, detail: str) -> FieldError:
    """`Forbidden: <detail>`."""
    return FieldError("FieldValueForbidden", field, f"Forbidden: {detail}")


class StatusError(Exception):
    """A refusal that the HTTP border turns into a `metav1.Status`.

    Attributes:
        code: HTTP status.
        reason: metav1.StatusReason, `""` for none.
        message: The server's words.
        details: The `details` block, or None.
        headers: Further HTTP headers.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Tree | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Keep the parts of the answer."""
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.headers = headers or {}

    def tree(self) -> Tree:
        """The Status object."""
        status: Tree = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


@dataclass(frozen=True, slots=True)
class Named:
    """What an error is about: an object of a resource.

    Attributes:
        group: API group.
        plural: Resource name, `deployments`.
        kind: Kind, `Deployment`.
        name: Name of the object, may be empty.
    """

    group: str
    plural: str
    kind: str
    name: str = ""

    @property
    def resource(self) -> str:
        """`deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """`Deployment.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def details(self, kind: str | None = None) -> Tree:
        """The `details` block: in most errors its `kind` is the plural."""
        details: Tree = {}
        if self.name:
            details["name"] = self.name
        if self.group:
            details["group"] = self.group
        details["kind"] = kind or self.plural
        return details


def not_found(about: Named) -> StatusError:
    """404: the object does not exist."""
    message = f'{about.resource} "{about.name}" not found'
    return StatusError(404, "NotFound", message, about.details())


def already_exists(about: Named, *, is_going: bool = False) -> StatusError:
    """409: an object of this name exists, perhaps one that is being deleted."""
    going = "object is being deleted: " if is_going else ""
    message = f'{going}{about.resource} "{about.name}" already exists'
    return StatusError(409, "AlreadyExists", message, about.details())


MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def conflict(about: Named, why: str = MODIFIED) -> StatusError:
    """409: another writer was faster, or a precondition does not hold."""
    message = f'Operation cannot be fulfilled on {about.resource} "{about.name}": {why}'
    return StatusError(409, "Conflict", message, about.details())


def apply_conflict(causes: Sequence[Cause], message: str) -> StatusError:
    """409: other field managers own what an apply without force wants to set."""
    details: Tree = {"causes": [cause.tree() for cause in causes]}
    return StatusError(409, "Conflict", message, details)


def invalid(about: Named, errors: Sequence[FieldError]) -> StatusError:
    """422: validation refused; each wrong field is a cause."""
    texts = list(dict.fromkeys(str(error) for error in errors))
    words = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    head = f'{about.qualified_kind} "{about.name}" is invalid'
    details = about.details(about.kind) if about.kind else {}
    if errors:
        details["causes"] = [error.cause().tree() for error in errors]
    return StatusError(422, "Invalid", f"{head}: {words}" if texts else head, details)


def bad_request(message: str) -> StatusError:
    """400: the request cannot be understood."""
    return StatusError(400, "BadRequest", message)


def forbidden(about: Named, why: str, causes: Sequence[Cause] = ()) -> StatusError:
    """403: an admission rule refuses."""
    message = f'{about.resource} "{about.name}" is forbidden: {why}'
    details = about.details()
    if causes:
        details["causes"] = [cause.tree() for cause in causes]
    return StatusError(403, "Forbidden", message, details)


def method_not_allowed(about: Named, verb: str, why: str = "") -> StatusError:
    """405: the resource does not support the verb."""
    message = why or f'{verb} is not supported on resources of kind "{about.resource}"'
    return StatusError(405, "MethodNotAllowed", message, about.details())


def server_does_not_allow() -> StatusError:
    """405 of the router: the path exists, the method does not."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message, {})


def resource_missing() -> StatusError:
    """404 of the router: no such resource."""
    message = "the server could not find the requested resource"
    return StatusError(404, "NotFound", message, {})


def expired(message: str) -> StatusError:
    """410: the history of this version is gone; list again."""
    return StatusError(410, "Expired", message)


def too_old(asked: int, oldest: int) -> StatusError:
    """410 of a watch."""
    return expired(f"too old resource version: {asked} ({oldest})")


def too_large(asked: int, current: int) -> StatusError:
    """504: a resource version that this server has not reached."""
    message = f"Too large resource version: {asked}, current: {current}"
    cause = Cause("ResourceVersionTooLarge", "Too large resource version", "")
    details: Tree = {"causes": [{"reason": cause.reason, "message": cause.message}]}
    details["retryAfterSeconds"] = 1
    timeout = f"Timeout: {message}"
    return StatusError(504, "Timeout", timeout, details, {"Retry-After": "1"})


def unauthorized() -> StatusError:
    """401: no or a wrong token."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def unsupported_media_type(accepted: Sequence[str]) -> StatusError:
    """415: the body's content type is not read here."""
    names = ", ".join(accepted)
    message = (
        f"the body of the request was in an unknown format - accepted media types include: {names}"
    )
    return StatusError(415, "UnsupportedMediaType", message)


def internal(message: str) -> StatusError:
    """500 with the server's prefix."""
    details: Tree = {"causes": [{"message": message}]}
    return StatusError(500, "InternalError", f"Internal error occurred: {message}", details)


def plain_failure(message: str) -> StatusError:
    """500 without a reason: what the real server makes of an error without a type (A7)."""
    return StatusError(500, "", message)


def not_built(what: str) -> StatusError:
    """501: an honest no, instead of a false yes."""
    message = f"the Holdfast sandbox has no {what}; use a real cluster for it"
    return StatusError(501, "NotImplemented", message)
