"""Errors as clients of Argo CD know them: a gRPC code, its HTTP status, and one sentence.

Source: docs/internals/argocd/api.md §1.2. Errors of ours keep their own code and hint in
`/api/holdfast/v1`; under `/api/v1` the shape is Argo CD's and nothing more.
"""

from enum import IntEnum

from holdfast.domain.errors import HoldfastError


class Code(IntEnum):
    """gRPC status codes."""

    CANCELED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


HTTP_STATUS: dict[Code, int] = {
    Code.CANCELED: 408,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}

_CODES: dict[str, Code] = {
    "HF2001": Code.UNAVAILABLE,
    "HF2002": Code.PERMISSION_DENIED,
    "HF2003": Code.NOT_FOUND,
    "HF2004": Code.ABORTED,
    "HF2005": Code.INVALID_ARGUMENT,
    "HF2006": Code.INVALID_ARGUMENT,
    "HF2007": Code.INVALID_ARGUMENT,
    "HF2008": Code.FAILED_PRECONDITION,
    "HF2009": Code.RESOURCE_EXHAUSTED,
    "HF2010": Code.UNAVAILABLE,
    "HF2011": Code.ALREADY_EXISTS,
    "HF2012": Code.INVALID_ARGUMENT,
    "HF2013": Code.FAILED_PRECONDITION,
    "HF2014": Code.PERMISSION_DENIED,
    "HF2015": Code.ABORTED,
    "HF3003": Code.NOT_FOUND,
    "HF3004": Code.INVALID_ARGUMENT,
    "HF3006": Code.INVALID_ARGUMENT,
    "HF3008": Code.UNIMPLEMENTED,
    "HF3009": Code.INVALID_ARGUMENT,
    "HF3010": Code.UNAVAILABLE,
    "HF3012": Code.UNAVAILABLE,
    "HF3017": Code.NOT_FOUND,
    "HF4003": Code.DEADLINE_EXCEEDED,
    "HF9001": Code.INTERNAL,
}
_BY_FAMILY: dict[str, Code] = {
    "HF1": Code.FAILED_PRECONDITION,
    "HF2": Code.UNAVAILABLE,
    "HF3": Code.FAILED_PRECONDITION,
    "HF4": Code.FAILED_PRECONDITION,
}


class ApiError(Exception):
    """A refusal with a status that the caller is meant to see.

    Attributes:
        code: The gRPC code; it decides the HTTP status.
        message: One sentence, no secrets.
        ours: `HFnnnn` when an error of ours stands behind it, else `""`.
        about, hint: As in `HoldfastError`.
    """

    def __init__(
        self, code: Code, message: str, *, ours: str = "", about: str = "", hint: str = ""
    ) -> None:
        """Keep the parts."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.ours = ours
        self.about = about
        self.hint = hint

    @property
    def status(self) -> int:
        """The HTTP status."""
        return HTTP_STATUS[self.code]

    def to_argo(self) -> dict[str, object]:
        """Return the body of `/api/v1`."""
        return {"error": self.message, "message": self.message, "code": int(self.code)}

    def to_ours(self) -> dict[str, object]:
        """Return the body of `/api/holdfast/v1`."""
        return {
            "error": {
                "code": self.ours or self.code.name.lower(),
                "message": self.message,
                "about": self.about,
                "hint": self.hint,
            }
        }


def denied(message: str = "permission denied") -> ApiError:
    """Return the refusal that hides whether the thing exists (api.md §3.9)."""
    return ApiError(Code.PERMISSION_DENIED, message)


def unauthenticated(message: str = "no session information") -> ApiError:
    """Return the refusal for a caller without a usable token (api.md §2.1)."""
    return ApiError(Code.UNAUTHENTICATED, message)


def invalid(message: str) -> ApiError:
    """Return the refusal of a request that makes no sense."""
    return ApiError(Code.INVALID_ARGUMENT, message)


def translate(error: HoldfastError) -> ApiError:
    """Return an error of ours as a client of the API sees it."""
    code = _CODES.get(error.code) or _BY_FAMILY.get(error.code[:3], Code.UNKNOWN)
    return ApiError(code, error.message, ours=error.code, about=error.about, hint=error.hint)
