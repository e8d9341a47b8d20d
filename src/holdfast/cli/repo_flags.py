"""Flags by which `repo add` and `repocreds add` say how to sign in, as `argocd` has them (§4.4)."""

from holdfast.cli.command import Call
from holdfast.cli.login import ask
from holdfast.cli.pflag import Flag, FlagKind, UsageError

_SWITCH = FlagKind.SWITCH
_LONGEST_KEY = 256 * 1024

_TEXTS = {
    "type": "type",
    "username": "username",
    "password": "password",
    "bearer-token": "bearerToken",
    "github-app-id": "githubAppID",
    "github-app-installation-id": "githubAppInstallationID",
    "github-app-enterprise-base-url": "githubAppEnterpriseBaseUrl",
    "proxy": "proxy",
    "no-proxy": "noProxy",
}
_FILES = {
    "ssh-private-key-path": "sshPrivateKey",
    "tls-client-cert-path": "tlsClientCertData",
    "tls-client-cert-key-path": "tlsClientCertKey",
    "github-app-private-key-path": "githubAppPrivateKey",
    "gcp-service-account-key-path": "gcpServiceAccountKey",
}
_SWITCHES = {
    "enable-oci": "enableOCI",
    "force-http-basic-auth": "forceHttpBasicAuth",
    "use-azure-workload-identity": "useAzureWorkloadIdentity",
    "insecure-oci-force-http": "insecureOCIForceHttp",
}
SIGN_IN_FLAGS = (
    Flag("type", "What it is; git alone is read.", default="git", choices=("git", "helm", "oci")),
    Flag("username", "Name to sign in with over https.", metavar="NAME"),
    Flag("password", "Password to sign in with over https; asked for where a name is given and "
         "it is left out.", metavar="TEXT"),
    Flag("bearer-token", "Token to sign in with over https.", metavar="TOKEN"),
    Flag("ssh-private-key-path", "File with the private key for ssh.", metavar="FILE"),
    Flag("tls-client-cert-path", "File with a client certificate (not built).", metavar="FILE"),
    Flag("tls-client-cert-key-path", "File with its key (not built).", metavar="FILE"),
    Flag("github-app-id", "Id of a GitHub App (not built).", metavar="ID"),
    Flag("github-app-installation-id", "Id of its installation (not built).", metavar="ID"),
    Flag("github-app-private-key-path", "File with its key (not built).", metavar="FILE"),
    Flag("github-app-enterprise-base-url", "Address of a GitHub Enterprise.", metavar="URL"),
    Flag("gcp-service-account-key-path", "File with a key of Google Cloud (not built).",
         metavar="FILE"),
    Flag("use-azure-workload-identity", "Sign in as the workload in Azure (not built).", _SWITCH),
    Flag("enable-oci", "It is an OCI registry (not built).", _SWITCH),
    Flag("insecure-oci-force-http", "Speak to a registry without TLS (not built).", _SWITCH),
    Flag("force-http-basic-auth", "Send name and password without being asked.", _SWITCH),
    Flag("proxy", "Proxy that leads there.", metavar="URL"),
    Flag("no-proxy", "Hosts that are reached without it.", metavar="HOSTS"),
    Flag("upsert", "Change it when it exists and differs.", _SWITCH),
)  # fmt: skip
OUTPUT = Flag("output", "How to print.", short="o", default="wide",
              choices=("wide", "json", "yaml", "url"))  # fmt: skip


def sign_in_values(call: Call) -> dict[str, str]:
    """Return what the flags say, as keys of a repository Secret.

    Raises:
        UsageError: a file cannot be read.
    """
    values, given = call.values, {"url": call.arguments[0]}
    given |= {key: values.text(flag) for flag, key in _TEXTS.items() if values.text(flag)}
    given |= {key: _read(flag, values.text(flag)) for flag, key in _FILES.items()
              if values.text(flag)}  # fmt: skip
    given |= {key: "true" for flag, key in _SWITCHES.items() if values.switch(flag)}
    if given.get("username") and not given.get("password"):
        given["password"] = ask(call, "Password: ", hidden=True)
    if given.get("type") == "git":
        del given["type"]
    return given


def _read(flag: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(_LONGEST_KEY)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise UsageError(f"--{flag} {path}: {reason}") from error
