"""How to reach and sign in to a repository, as a value."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GitCredentials:
    """How to reach and sign in to a repository (controller.md §10.2). `repr` hides it.

    Attributes:
        username: For https; over ssh the URL's own user counts, and `git` where it has none.
        password: For https.
        bearer_token: For https, in place of name and password.
        ssh_private_key: In PEM or OpenSSH's form, without a passphrase.
        insecure: Accept any certificate and any host key.
        proxy: URL of an http(s) proxy, or `""`.
        no_proxy: Hosts that are reached without it.
        unsupported: Keys of the Secret that ask for a way in that is not built.
    """

    username: str = ""
    password: str = ""
    bearer_token: str = ""
    ssh_private_key: str = ""
    insecure: bool = False
    proxy: str = ""
    no_proxy: str = ""
    unsupported: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Say nothing."""
        return "GitCredentials(***)"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must not appear in a text."""
        return tuple(s for s in (self.password, self.bearer_token, self.ssh_private_key) if s)


Credentials = Callable[[str], GitCredentials | None]
