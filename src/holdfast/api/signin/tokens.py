"""Tokens of ours: JSON Web Tokens, HS256 with `server.secretkey` (api.md §2.2).

A token is read with that one algorithm, whatever its header says.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt

from holdfast.api.failures import ApiError, Code, unauthenticated
from holdfast.api.people import Capability, TokenRecord
from holdfast.domain.ports import Clock

ISSUER = "argocd"
ALGORITHM = "HS256"
MOST_BYTES = 80 * 1024
_SKEW_S = 30


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says.

    Attributes:
        subject: Account, or `proj:<project>:<role>`.
        kind: `login` or `apiKey`; `""` for a project's token.
        issued_at, expires_at: Unix seconds; `expires_at` 0 is never.
        id: `jti`.
    """

    subject: str
    kind: str
    issued_at: int
    expires_at: int
    id: str

    def record(self) -> TokenRecord:
        """Return what is kept of the token."""
        return TokenRecord(self.id, self.issued_at, self.expires_at)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token and what it says."""

    text: str
    claims: Claims


class Mint:
    """Issues and reads tokens."""

    def __init__(self, key: Callable[[], str], clock: Clock) -> None:
        """Keep where `server.secretkey` comes from: it may be replaced at any time."""
        self._key = key
        self._clock = clock

    def issue(self, subject: str, kind: str, seconds: float, token_id: str = "") -> Issued:
        """Return a new token; 0 seconds last for ever.

        Raises:
            ApiError: 503, there is no key yet.
        """
        now = int(self._clock.now().timestamp())
        claims = Claims(
            subject, kind, now, int(now + seconds) if seconds else 0, token_id or str(uuid.uuid4())
        )
        words: dict[str, Any] = {
            "iss": ISSUER, "sub": f"{subject}:{kind}" if kind else subject,
            "iat": now, "nbf": now, "jti": claims.id,
        }  # fmt: skip
        if claims.expires_at:
            words["exp"] = claims.expires_at
        return Issued(jwt.encode(words, self._secret(), ALGORITHM), claims)

    def read(self, text: str) -> Claims:
        """Return what a token says, once signature and time are right.

        Raises:
            ApiError: 401.
        """
        try:
            words = jwt.decode(
                text, self._secret(), [ALGORITHM], issuer=ISSUER,
                options={
                    "require": ["iss", "sub", "iat"], "verify_exp": False, "verify_nbf": False,
                    "verify_iat": False, "verify_aud": False,
                },
            )  # fmt: skip
        except jwt.InvalidTokenError as error:
            raise bad_session(_reason(error)) from error
        check_times(words, self._clock.now().timestamp())
        subject, kind = _split(str(words["sub"]))
        token_id = str(words.get("jti") or "")
        return Claims(subject, kind, int(words["iat"]), int(words.get("exp") or 0), token_id)

    def _secret(self) -> str:
        key = self._key()
        if not key:
            raise ApiError(Code.UNAVAILABLE, "server.secretkey is missing in argocd-secret")
        return key


def check_times(words: dict[str, Any], now: float) -> None:
    """Refuse a token outside its time.

    Raises:
        ApiError: 401.
    """
    try:
        expires_at = float(words.get("exp") or 0)
        begins_at = max(float(words.get("nbf") or 0), float(words.get("iat") or 0))
    except (TypeError, ValueError) as error:
        raise bad_session("its times cannot be read") from error
    if expires_at and now >= expires_at:
        raise bad_session("token is expired")
    if begins_at > now + _SKEW_S:
        raise bad_session("token is not valid yet")


def issuer_of(text: str) -> str:
    """Return who a token says it is from, which nobody has checked yet.

    Raises:
        ApiError: 401, it is no token.
    """
    if len(text) > MOST_BYTES:
        raise bad_session("token is malformed")
    try:
        words = jwt.decode(text, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise bad_session("token is malformed") from error
    return str(words.get("iss") or "")


def bad_session(why: str) -> ApiError:
    """Return the refusal of a token."""
    return unauthenticated(f"invalid session: {why}")


def _split(subject: str) -> tuple[str, str]:
    """Return account and capability of a subject; a project's subject stays whole."""
    name, _, kind = subject.rpartition(":")
    if name and not subject.startswith("proj:") and kind in set(Capability):
        return name, kind
    return subject, "" if subject.startswith("proj:") else Capability.LOGIN.value


def _reason(error: jwt.InvalidTokenError) -> str:
    if isinstance(error, jwt.InvalidSignatureError | jwt.InvalidAlgorithmError):
        return "token signature is invalid"
    if isinstance(error, jwt.InvalidIssuerError):
        return "token has an invalid issuer"
    if isinstance(error, jwt.MissingRequiredClaimError):
        return "token lacks a claim"
    return "token is malformed"
