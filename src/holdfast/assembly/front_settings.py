"""What the API and the page are told at the start; light, since the controller's process has it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """What the API and the page are told at the start.

    Attributes:
        kubeconfig, context: As kubectl understands them.
        namespace: The control namespace.
        journal: DSN or path of the journal; `off` shows none.
        journal_source: Only what the Holdfast of this name saw is shown; `""` shows all.
        allow_local_repos: Folders below which local repositories may be read.
        auth_disabled: Nobody has to sign in; loopback only.
        tls: Files of the certificate with its chain, and of its key; empty is plain HTTP.
        makes_tls: TLS without such files: with the certificate of the control namespace, or one
            that is made (`front_tls`).
        controller_socket: Where the controller of this machine answers; `""` when it runs
            elsewhere.
        observes: Nothing is written that nobody asked for: what is missing is made for this
            process alone.
        given: Keys of `argocd-cmd-params-cm` that flags give, and their values: they win.
        sign_in_code, sign_in_until: Of a one-time link (`api.signin.links`), and the Unix time at
            which it ends; `""` for none.
    """

    kubeconfig: str = ""
    context: str = ""
    namespace: str = "argocd"
    journal: str = ""
    journal_source: str = ""
    allow_local_repos: tuple[str, ...] = ()
    auth_disabled: bool = False
    tls: tuple[str, ...] = ()
    makes_tls: bool = False
    controller_socket: str = ""
    observes: bool = False
    given: tuple[tuple[str, str], ...] = ()
    sign_in_code: str = ""
    sign_in_until: float = 0.0

    @property
    def is_secure(self) -> bool:
        """Whether TLS is on."""
        return bool(self.tls) or self.makes_tls
