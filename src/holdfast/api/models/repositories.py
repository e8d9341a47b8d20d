"""Shapes of repositories, credentials and trust (docs/internals/argocd/api.md §1.5, §1.7).

What a client sends may hold passwords and keys: these fields stand in no `repr`.
"""

from typing import Annotated

from pydantic import Field

from holdfast.api.models.base import JsonObject, Shape, Switch

Hidden = Annotated[str, Field(repr=False, max_length=256 * 1024)]
_LONGEST_URL = 4096


class _SignIn(Shape):
    """What repositories and credentials for many of them have in common."""

    type: str = Field("", max_length=20)
    username: str = Field("", max_length=1024)
    password: Hidden = ""
    bearer_token: Hidden = Field("", alias="bearerToken")
    ssh_private_key: Hidden = Field("", alias="sshPrivateKey")
    tls_client_cert_data: Hidden = Field("", alias="tlsClientCertData")
    tls_client_cert_key: Hidden = Field("", alias="tlsClientCertKey")
    github_app_private_key: Hidden = Field("", alias="githubAppPrivateKey")
    github_app_id: int | str = Field("", alias="githubAppID")
    github_app_installation_id: int | str = Field("", alias="githubAppInstallationID")
    github_app_enterprise_base_url: str = Field("", alias="githubAppEnterpriseBaseUrl")
    gcp_service_account_key: Hidden = Field("", alias="gcpServiceAccountKey")
    enable_oci: Switch = Field(False, alias="enableOCI")
    force_http_basic_auth: Switch = Field(False, alias="forceHttpBasicAuth")
    use_azure_workload_identity: Switch = Field(False, alias="useAzureWorkloadIdentity")
    insecure_oci_force_http: Switch = Field(False, alias="insecureOCIForceHttp")
    proxy: str = Field("", max_length=_LONGEST_URL, repr=False)
    no_proxy: str = Field("", alias="noProxy", max_length=_LONGEST_URL)

    def values(self) -> dict[str, str]:
        """Return the keys of its Secret, those without a value left out."""
        found: dict[str, str] = {}
        for key, value in self.model_dump(by_alias=True).items():
            name = "url" if key == "repo" else key
            if value not in ("", False, 0):
                found[name] = "true" if value is True else str(value)
        return found


class RepositoryBody(_SignIn):
    """A repository as a client sends it."""

    repo: str = Field("", max_length=_LONGEST_URL)
    name: str = Field("", max_length=253)
    project: str = Field("", max_length=253)
    insecure: Switch = False
    insecure_ignore_host_key: Switch = Field(False, alias="insecureIgnoreHostKey")
    enable_lfs: Switch = Field(False, alias="enableLfs")
    depth: int = Field(0, ge=0, le=2**31)


class RepoCredsBody(_SignIn):
    """Credentials for every repository below a URL."""

    url: str = Field("", max_length=_LONGEST_URL)


class RepositoriesQuery(Shape):
    """`GET /repositories` and `GET /repositories/{repo}`."""

    repo: str = ""
    force_refresh: Switch = Field(False, alias="forceRefresh")
    app_project: str = Field("", alias="appProject")


class UpsertQuery(Shape):
    """`POST` of repositories, credentials, certificates and clusters."""

    upsert: Switch = False
    creds_only: Switch = Field(False, alias="credsOnly")


class ValidateQuery(RepositoryBody):
    """`POST /repositories/{repo}/validate`: credentials in the query, as Argo CD has it."""


class UrlQuery(Shape):
    """`GET /repocreds`."""

    url: str = ""


class CertificatesQuery(Shape):
    """`GET` and `DELETE /certificates`."""

    host_name_pattern: str = Field("", alias="hostNamePattern", max_length=300)
    cert_type: str = Field("", alias="certType", max_length=20)
    cert_sub_type: str = Field("", alias="certSubType", max_length=80)


class CertificateBody(Shape):
    """One host key or certificate; `certData` is base64 of its text."""

    server_name: str = Field("", alias="serverName", max_length=253)
    cert_type: str = Field("", alias="certType", max_length=20)
    cert_sub_type: str = Field("", alias="certSubType", max_length=80)
    cert_data: str = Field("", alias="certData", max_length=1024 * 1024)


class CertificatesBody(Shape):
    """`POST /certificates`."""

    items: tuple[CertificateBody, ...] = Field((), max_length=1000)


# --- answers -----------------------------------------------------------------------------------


class Repository(Shape, extra="allow"):
    """A repository, without secrets."""

    repo: str
    type: str = ""
    connection_state: JsonObject | None = Field(None, alias="connectionState")


class RepoCreds(Shape, extra="allow"):
    """Credentials, without secrets."""

    url: str


class Certificates(Shape):
    """Host keys and certificates."""

    items: tuple[JsonObject, ...]
