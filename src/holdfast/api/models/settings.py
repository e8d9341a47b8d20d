"""Shape of `GET /api/v1/settings` (docs/internals/argocd/api.md §1.7)."""

from pydantic import Field

from holdfast.api.models.base import JsonObject, Shape


class PublicSettings(Shape):
    """What a page needs to know before and after sign-in."""

    url: str = ""
    additional_urls: tuple[str, ...] = Field((), alias="additionalUrls")
    status_badge_enabled: bool = Field(False, alias="statusBadgeEnabled")
    status_badge_root_url: str = Field("", alias="statusBadgeRootUrl")
    google_analytics: JsonObject = Field(default_factory=dict, alias="googleAnalytics")
    help: JsonObject = Field(default_factory=dict)
    app_label_key: str = Field("", alias="appLabelKey")
    tracking_method: str = Field("", alias="trackingMethod")
    installation_id: str = Field("", alias="installationID")
    resource_overrides: JsonObject = Field(default_factory=dict, alias="resourceOverrides")
    kustomize_options: JsonObject = Field(default_factory=dict, alias="kustomizeOptions")
    kustomize_versions: tuple[str, ...] = Field((), alias="kustomizeVersions")
    oidc_config: JsonObject | None = Field(None, alias="oidcConfig")
    user_logins_disabled: bool = Field(False, alias="userLoginsDisabled")
    password_pattern: str = Field("", alias="passwordPattern")
    ui_css_url: str = Field("", alias="uiCssURL")
    ui_banner_content: str = Field("", alias="uiBannerContent")
    ui_banner_url: str = Field("", alias="uiBannerURL")
    ui_banner_permanent: bool = Field(False, alias="uiBannerPermanent")
    ui_banner_position: str = Field("", alias="uiBannerPosition")
    ui_login_button_text: str = Field("", alias="uiLoginButtonText")
    exec_enabled: bool = Field(False, alias="execEnabled")
    apps_in_any_namespace_enabled: bool = Field(False, alias="appsInAnyNamespaceEnabled")
    impersonation_enabled: bool = Field(False, alias="impersonationEnabled")
    controller_namespace: str = Field("", alias="controllerNamespace")
    hydrator_enabled: bool = Field(False, alias="hydratorEnabled")
    sync_with_replace_allowed: bool = Field(True, alias="syncWithReplaceAllowed")
    resource_view_enabled: bool = Field(False, alias="resourceViewEnabled")
    plugins: tuple[JsonObject, ...] = ()


class Plugins(Shape):
    """Names of config management plugins; there are none yet."""

    plugins: tuple[JsonObject, ...] = ()
