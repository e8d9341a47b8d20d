"""Which Holdfast server a command line names; light, since every command has it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChosenServer:
    """What was typed, or stands in the environment; all empty means: straight to the cluster.

    Attributes:
        address: `HOST[:PORT][/PATH]`.
        root_path: The path, where it is given apart.
        token: Wins over what the configuration file knows.
        plaintext: No TLS.
        insecure: The certificate is not checked.
        certificate: PEM file of the server's authority.
        headers: `Name: value`, added to each request.
        config: The configuration file; `""` for the usual one.
        context: A context of that file; `""` for the current one.
        is_off: Never go through a server.
    """

    address: str = ""
    root_path: str = ""
    token: str = ""
    plaintext: bool = False
    insecure: bool = False
    certificate: str = ""
    headers: tuple[str, ...] = ()
    config: str = ""
    context: str = ""
    is_off: bool = False
