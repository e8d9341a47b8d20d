"""Who asks: what sign-in found out, and what roles are asked about."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """One authenticated (or anonymous) caller.

    Attributes:
        subject: What roles are given to: user name, `proj:<project>:<role>`, an OIDC subject;
            `""` is anonymous.
        username: For people: e-mail or name; the author of what is asked for.
        groups: Groups of the token.
        issuer: `argocd` for accounts of ours, else the OIDC issuer.
        issued_at: Unix time of the token, 0 for none.
        token_id: `jti`, `""` for none.
        expires_at: Unix time at which the token ends, 0 for never.
        kind: `login` or `apiKey` for accounts of ours, else `""`.
        is_trusted: Sign-in is switched off (`--disable-auth`): roles are not asked either.
    """

    subject: str
    username: str = ""
    groups: tuple[str, ...] = ()
    issuer: str = ""
    issued_at: int = 0
    token_id: str = ""
    expires_at: float = 0.0
    kind: str = ""
    is_trusted: bool = False

    @property
    def is_signed_in(self) -> bool:
        """Whether a token named somebody."""
        return bool(self.subject) or self.is_trusted


ANONYMOUS = Caller("")
TRUSTED = Caller("", username="admin", is_trusted=True)
