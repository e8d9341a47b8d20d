"""Says what a refusal means: one table from answers to `ClusterError`s.

    status, reason, cause, words of the message  ->  code, and when trying again makes sense

The first row that fits wins, so the order is part of the table. The server's own words are the
message (they are what people search for); what we know about them is the hint. Values of Secrets
are taken out of the words, which are cut to `MESSAGE_CHARS`, causes to `CAUSE_CHARS`, in the
middle: the end says why. Where the words hold whole objects (`Invalid value: {…}`), each cause is
told shortly instead.

Measured in docs/internals/argocd/apply.md A1, A3, A7, B4 and D2; each row is a contract test.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from holdfast.domain.errors import ClusterError, Retry
from holdfast.domain.manifest import JSON, Tree

MESSAGE_CHARS = 512
CAUSE_CHARS = 256
SHORT_CAUSE_CHARS = 100

KIND_GONE_BODY = "404 page not found"
_INVALID = " is invalid: "


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said that was no success.

    Attributes:
        status: HTTP status.
        reason: `reason` of the Status object, or `""`.
        message: `message` of the Status object, or the body as text.
        causes: `details.causes`, as (reason, field, message).
        kind: `details.kind`: what the refusal is about, a plural.
        name: `details.name`.
        is_status: Whether the body was a Status object at all.
        retry_after_s: From the header Retry-After or `details.retryAfterSeconds`.
    """

    status: int
    reason: str = ""
    message: str = ""
    causes: tuple[tuple[str, str, str], ...] = ()
    kind: str = ""
    name: str = ""
    is_status: bool = False
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One rule of the table; an empty condition always holds.

    Attributes:
        rule: The rule as a sentence; names its contract test.
        status: The statuses it is about.
        code, retry: The verdict.
        reason: `reason` must be this.
        cause: One cause must have this reason.
        words: The message, or a cause's message, must match this.
        hint: What to do about it.
        is_patient: Whether a Retry-After of the answer counts.
    """

    rule: str
    status: tuple[int, ...]
    code: str
    retry: Retry
    reason: str = ""
    cause: str = ""
    words: str = ""
    hint: str = ""
    is_patient: bool = True


_NS_HINT = "Create the namespace, or set the sync option CreateNamespace=true."
_WEBHOOK = r"admission webhook \"[^\"]*\" denied|denied request:|denied the request"
_IMMUTABLE = (
    r"(?i)immutable|may not change once set|may not be changed|cannot change roleRef"
    r"|updates to \w+ spec for fields other than|updates may not change fields other than"
    r"|field can not be modified|cannot be changed|not be updated after|change is not allowed"
)
_IMMUTABLE_HINT = (
    "Allow replacement for this object with the annotation "
    "argocd.argoproj.io/sync-options: Force=true,Replace=true, or restore the field in git."
)

TABLE: tuple[Row, ...] = (
    # Refusals by admission come with any status that the webhook likes; they are told by words.
    Row(
        "a webhook or an admission policy refuses",
        (400, 403, 409, 422, 500),
        "HF2013",
        Retry.BACKOFF,
        words=_WEBHOOK,
        hint="The words after `denied` come from the webhook or policy that is named.",
    ),
    Row(
        "a webhook cannot be called",
        (500, 503),
        "HF2010",
        Retry.BACKOFF,
        words=r"failed calling webhook|failed to call webhook|conversion webhook for",
        hint="The webhook's own service does not answer; nothing is wrong with the object.",
    ),
    Row("the request is not signed in", (401,), "HF2002", Retry.BACKOFF, hint="Sign in again."),
    Row(
        "the namespace is being deleted",
        (403, 409),
        "HF2008",
        Retry.ON_PREREQUISITE,
        cause="NamespaceTerminating",
    ),
    Row(
        "the namespace is being deleted, in words",
        (403, 409),
        "HF2008",
        Retry.ON_PREREQUISITE,
        words=r"because it is being terminated|ensuring all content is removed",
    ),
    Row(
        "the CustomResourceDefinition is being deleted",
        (403, 405, 409),
        "HF2006",
        Retry.ON_PREREQUISITE,
        words=r"custom resource definition is terminating",
    ),
    Row(
        "a quota is exhausted",
        (403,),
        "HF2014",
        Retry.BACKOFF,
        words=r"exceeded quota|failed quota",
        hint="Raise the quota of the namespace, or ask for less.",
    ),
    Row(
        "the role of our account does not permit it",
        (403,),
        "HF2002",
        Retry.BACKOFF,
        words=r"(User|user) \"[^\"]*\" cannot|is attempting to grant RBAC permissions",
        hint="Give the account the verb and resource that the message names.",
    ),
    Row(
        "an admission plugin refuses (LimitRange, Pod security, …)",
        (403,),
        "HF2013",
        Retry.BACKOFF,
        reason="Forbidden",
        words=r"is forbidden: ",
    ),
    Row("not permitted, for any other reason", (403,), "HF2002", Retry.BACKOFF),
    Row(
        "the group or kind is not served (any more)",
        (404,),
        "HF2006",
        Retry.ON_PREREQUISITE,
        words=r"^404 page not found|could not find the requested resource",
        hint="Install the CustomResourceDefinition, or correct apiVersion and kind.",
    ),
    Row(
        "the namespace does not exist",
        (404,),
        "HF2008",
        Retry.ON_PREREQUISITE,
        words=r"^namespaces \"[^\"]*\" not found",
        hint=_NS_HINT,
    ),
    Row("the object does not exist", (404,), "HF2003", Retry.NEVER),
    Row("the verb is not served for it", (405,), "HF2005", Retry.NEVER),
    Row(
        "the object with this uid is gone",
        (409, 422),
        "HF2003",
        Retry.ON_PREREQUISITE,
        words=r"uid mismatch|UID in (the )?precondition|metadata\.uid: Invalid value",
    ),
    Row(
        "an object of this name is still being deleted",
        (409,),
        "HF2011",
        Retry.ON_PREREQUISITE,
        reason="AlreadyExists",
        words=r"object is being deleted",
    ),
    Row("the object already exists", (409,), "HF2011", Retry.NOW, reason="AlreadyExists"),
    Row(
        "another manager owns the field",
        (409,),
        "HF2004",
        Retry.NEVER,
        cause="FieldManagerConflict",
    ),
    Row("another writer was faster", (409,), "HF2004", Retry.NOW),
    Row("the version is too old", (410,), "HF2015", Retry.NOW),
    Row("the request is too large", (413,), "HF2005", Retry.NEVER),
    Row(
        # The server says no more than this when a `test` fails or a path is missing.
        "a JSON patch does not fit the object any more",
        (422,),
        "HF2004",
        Retry.NOW,
        words=r"^the server rejected our request due to an error in our request",
    ),
    Row(
        "a field cannot change after creation",
        (422,),
        "HF2007",
        Retry.NEVER,
        words=_IMMUTABLE,
        hint=_IMMUTABLE_HINT,
    ),
    Row("the object is not valid", (400, 422), "HF2005", Retry.NEVER),
    Row("too many requests", (429,), "HF2009", Retry.BACKOFF),
    Row(
        "the apply has no typed form",
        (500,),
        "HF2012",
        Retry.NEVER,
        words=r"failed to create typed (patch|live|new) object|failed to convert new object",
        hint="Correct the field that the message names: a value of the wrong type, or a field that "
        "the schema does not know; the sync option Validate=false leaves unknown fields out.",
    ),
    Row(
        # It says "in 5 s" whatever is left to do; usually that is a moment.
        "the server is starting",
        (503,),
        "HF2009",
        Retry.BACKOFF,
        words=r"before all known HTTP paths have been installed",
        is_patient=False,
    ),
    Row("the server is overloaded", (503,), "HF2009", Retry.BACKOFF),
    Row("the server failed", (500, 501, 502, 504), "HF2010", Retry.BACKOFF),
)


def parse_answer(status: int, body: bytes, retry_after: str | None = None) -> Answer:
    """Read the body of a refusal: a Status object, or any text."""
    tree: JSON = None
    if body[:1] == b"{":
        try:
            tree = orjson.loads(body)
        except orjson.JSONDecodeError:
            tree = None
    if isinstance(tree, dict) and tree.get("kind") == "Status":
        return _from_status(status, tree, _seconds(retry_after))
    text = body[: 4 * MESSAGE_CHARS].decode("utf-8", "replace").strip()
    return Answer(status, message=text or f"HTTP {status}", retry_after_s=_seconds(retry_after))


def _from_status(status: int, tree: Tree, retry_after_s: float | None) -> Answer:
    details = tree.get("details")
    details = details if isinstance(details, dict) else {}
    causes = tuple(
        (_text(cause, "reason"), _text(cause, "field"), _text(cause, "message"))
        for cause in details.get("causes") or ()
        if isinstance(cause, dict)
    )
    seconds = details.get("retryAfterSeconds")
    if retry_after_s is None and isinstance(seconds, int) and seconds > 0:
        retry_after_s = float(seconds)
    return Answer(
        status=status,
        reason=_text(tree, "reason"),
        message=_text(tree, "message") or f"HTTP {status}",
        causes=causes,
        kind=_text(details, "kind"),
        name=_text(details, "name"),
        is_status=True,
        retry_after_s=retry_after_s,
    )


def find_row(answer: Answer) -> Row | None:
    """Return the first row of the table that fits, or None."""
    for row in TABLE:
        if answer.status in row.status and _fits(row, answer):
            return row
    return None


def classify(
    answer: Answer, *, about: object = "", secrets: Sequence[str] | None = None
) -> ClusterError:
    """Turn a refusal into the error that the rest of the program understands.

    Args:
        answer: What the server said.
        about: The object concerned.
        secrets: None when the object holds no secret values; else those that were sent, and
            everything that is quoted in the words is taken out as well.
    """
    row = find_row(answer)
    code, retry, hint = (
        (row.code, row.retry, row.hint) if row is not None else ("HF2010", Retry.BACKOFF, "")
    )
    error = ClusterError(
        code,
        _tell(answer, secrets),
        about=about,
        hint=hint,
        retry=retry,
    )
    error.status = answer.status
    error.reason = answer.reason
    error.causes = tuple(
        (field, cut(redact(message, answer, secrets), CAUSE_CHARS))
        for _, field, message in answer.causes
    )
    error.retry_after_s = answer.retry_after_s if row is None or row.is_patient else None
    return error


def unreachable(
    what: str, *, where: str, timed_out: bool = False, about: object = ""
) -> ClusterError:
    """Return the error for an API server that gave no answer."""
    happened = "did not answer in time" if timed_out else "cannot be reached"
    detail = f" ({cut(what, CAUSE_CHARS)})" if what else ""
    return ClusterError(
        "HF2001",
        f"The API server {where} {happened}{detail}.",
        about=about,
        hint="Check that it runs and that the address of the kubeconfig is right; "
        "a running controller goes on by itself when it answers.",
        retry=Retry.BACKOFF,
    )


def redact(words: str, answer: Answer, secrets: Sequence[str] | None) -> str:
    """Take secret values out of the server's words; `None` means there are none."""
    if secrets is None:
        return words
    for value in sorted(secrets, key=len, reverse=True):
        if len(value) >= 3:
            words = words.replace(value, "(redacted)")
    # Values also stand bare: `expected map, got &{…}`, `invalid character 'x'`.
    words = re.sub(r"\bgot &?\S.*", "got (redacted)", words)
    words = re.sub(r"invalid character '.*?'", "invalid character", words)
    # What stands in quotes is a value unless it is the object's own name or a word of ours.
    known = {answer.name, answer.kind, "v1", "Secret", ""}
    return re.sub(
        r"\"((?:[^\"\\]|\\.)*)\"",
        lambda match: match[0] if match[1] in known else '"(redacted)"',
        words,
    )


def cut(words: str, limit: int) -> str:
    """Shorten a text to at most `limit` characters, in its middle, saying so."""
    if len(words) <= limit:
        return words
    head = (limit - 1) * 3 // 5
    return f"{words[:head]}…{words[head + 1 - limit :]}"


def _tell(answer: Answer, secrets: Sequence[str] | None) -> str:
    words = redact(answer.message, answer, secrets)
    about, mark, _ = words.partition(_INVALID)
    if len(words) > MESSAGE_CHARS and mark and answer.causes:
        told = [
            f"{field}: {cut(redact(message, answer, secrets), SHORT_CAUSE_CHARS)}"
            for _, field, message in answer.causes
        ]
        words = f"{about}{mark}{', '.join(told)}"
    return cut(words, MESSAGE_CHARS)


def retry_after(headers: Mapping[str, str]) -> str | None:
    """Return the Retry-After header."""
    return headers.get("Retry-After")


def _fits(row: Row, answer: Answer) -> bool:
    if row.reason and row.reason != answer.reason:
        return False
    if row.cause and all(row.cause != reason for reason, _, _ in answer.causes):
        return False
    if not row.words:
        return True
    texts = [answer.message, *(message for _, _, message in answer.causes)]
    return any(re.search(row.words, text) for text in texts)


def _text(tree: Tree, key: str) -> str:
    value = tree.get(key)
    return value if isinstance(value, str) else ""


def _seconds(value: str | None) -> float | None:
    """Read Retry-After in seconds; the form with a date is not used by Kubernetes."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        return None
