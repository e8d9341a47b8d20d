"""Every failure that Holdfast names, as one tree with numbered codes.

    HoldfastError
    ├── RepositoryError     HF1xxx  what git holds is wrong
    ├── ClusterError        HF2xxx  the cluster said no, or could not be reached
    ├── ConfigurationError  HF3xxx  what we were told to do makes no sense
    ├── ToolError           HF4xxx  git, kustomize, helm … failed
    └── InternalError       HF9xxx  a mistake of ours

Codes are never reused. `CODES` is the registry: docs/reference/errors.md is generated from it, and
a test fails when a code is raised that is not in it. Expected results (skipped, held, waiting)
are values, never exceptions.
"""

from enum import StrEnum

CODES: dict[str, str] = {
    "HF1001": "The repository cannot be read.",
    "HF1002": "The revision does not exist in the repository.",
    "HF1003": "The path does not exist in the repository.",
    "HF1004": "A file does not parse.",
    "HF1005": "An object has no kind, no apiVersion or no name.",
    "HF1006": "A path leaves the repository.",
    "HF1007": "A file or repository is larger than allowed.",
    "HF1008": "The source block of the Application contradicts itself.",
    "HF1009": "Local repositories are not allowed here.",
    "HF2001": "The API server cannot be reached.",
    "HF2002": "The API server does not let us do this.",
    "HF2003": "The object does not exist.",
    "HF2004": "Another writer was faster.",
    "HF2005": "The object is not valid.",
    "HF2006": "The cluster does not know this kind.",
    "HF2007": "A field cannot change after creation.",
    "HF2008": "A namespace is being deleted or does not exist.",
    "HF2009": "The API server is overloaded and asks to wait.",
    "HF2010": "The API server failed.",
    "HF2011": "The object already exists.",
    "HF2012": "The apply cannot be expressed as a server-side apply.",
    "HF2013": "An admission webhook or policy refused.",
    "HF2014": "A quota is exhausted.",
    "HF2015": "The watch cannot go on from this version.",
    "HF3001": "The kubeconfig cannot be used.",
    "HF3002": "Argo CD runs in this namespace.",
    "HF3003": "The Application does not exist.",
    "HF3004": "The project does not exist or forbids this.",
    "HF3005": "Another operation is in progress.",
    "HF3006": "The request contradicts the state of the Application.",
    "HF3007": "Another process holds this data folder.",
    "HF3008": "A source type that is not built yet.",
    "HF3009": "An option has a value that cannot be used.",
    "HF3010": "The Custom Resource Definitions are not installed.",
    "HF3012": "The journal cannot be used.",
    "HF3013": "A change of git cannot be committed safely.",
    "HF3014": "The notifications are configured wrongly.",
    "HF3015": "Nobody is signed in at the server.",
    "HF3016": "The server cannot be asked for this.",
    "HF3017": "The repository, certificate or cluster is not known here.",
    "HF4001": "A tool is not installed.",
    "HF4002": "A tool failed.",
    "HF4003": "A tool took too long or printed too much.",
    "HF4004": "A credential plugin failed.",
    "HF4005": "A notification could not be delivered.",
    "HF9001": "A mistake in Holdfast.",
}


class Retry(StrEnum):
    """When it makes sense to try again what failed."""

    NOW = "now"
    ON_PREREQUISITE = "on-prerequisite"
    BACKOFF = "backoff"
    NEVER = "never"


class HoldfastError(Exception):
    """Base of all errors a user can meet.

    Attributes:
        code: `HFnnnn`, a key of `CODES`.
        message: What happened and what it means; one or two sentences, no secrets.
        about: The object, Application or source concerned, as text, or `""`.
        hint: What to do about it, or `""`.
        retry: When trying again makes sense.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        about: object = "",
        hint: str = "",
        retry: Retry = Retry.BACKOFF,
    ) -> None:
        """Keep the parts; `str()` gives `message` alone, `describe()` all of them."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.about = str(about)
        self.hint = hint
        self.retry = retry

    def explain(self) -> str:
        """Return message and hint in one line without a full stop: for conditions and results."""
        message, hint = self.message.rstrip(". "), self.hint.rstrip(". ")
        return f"{message}. {hint[0].upper()}{hint[1:]}" if hint else message

    def describe(self) -> str:
        """Return the text for a terminal: code, object, message, and the hint on its own line."""
        head = " ".join(part for part in (self.code, self.about) if part)
        text = f"{head}: {self.message}"
        return f"{text}\n\nhint: {self.hint}" if self.hint else text


class RepositoryError(HoldfastError):
    """HF1xxx: what git holds is wrong, or git cannot be read."""


class ClusterError(HoldfastError):
    """HF2xxx: the cluster said no, or could not be reached.

    Attributes:
        status: HTTP status, 0 when there was no answer.
        reason: The `reason` of the Status object, `""` when there was none.
        causes: Pairs (field, message) from the Status object's details.
        retry_after_s: Seconds from a Retry-After header, or None.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        about: object = "",
        hint: str = "",
        retry: Retry = Retry.BACKOFF,
    ) -> None:
        """Like the base; the details of the answer are set by the cluster room."""
        super().__init__(code, message, about=about, hint=hint, retry=retry)
        self.status = 0
        self.reason = ""
        self.causes: tuple[tuple[str, str], ...] = ()
        self.retry_after_s: float | None = None


class ConfigurationError(HoldfastError):
    """HF3xxx: what we were told contradicts itself or the cluster."""


class ToolError(HoldfastError):
    """HF4xxx: a program that we run failed."""


class InternalError(HoldfastError):
    """HF9xxx: a mistake of ours; please report it."""
