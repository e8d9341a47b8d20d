"""Settings that a page needs, some of them before anybody signed in (api.md §1.7)."""

from typing import Any

from holdfast.api.call import Call
from holdfast.api.models.base import JsonObject, Nothing
from holdfast.api.models.settings import Plugins, PublicSettings
from holdfast.api.people import Capability
from holdfast.api.ports import Settings
from holdfast.api.signin.cookies import own_addresses
from holdfast.api.signin.keeping import DEFAULT_PATTERN, PATTERN_KEY
from holdfast.api.table import Needs, Route
from holdfast.kit.yamlio import YamlError, load_one

_OVERRIDES = "resource.customizations"


async def _settings(call: Call[Nothing, None]) -> JsonObject:
    settings, text = call.services.settings, call.services.settings.text
    addresses = own_addresses(settings)
    tree: JsonObject = {
        "url": text("url"),
        "additionalUrls": [one for one in addresses if one != text("url")],
        "statusBadgeEnabled": settings.switch("statusbadge.enabled"),
        "statusBadgeRootUrl": text("statusbadge.url"),
        "googleAnalytics": {
            "trackingID": text("ga.trackingid"),
            "anonymizeUsers": settings.switch("ga.anonymizeusers", default=True),
        },
        "help": _help(settings),
        "appLabelKey": text("application.instanceLabelKey", "app.kubernetes.io/instance"),
        "trackingMethod": text("application.resourceTrackingMethod", "annotation"),
        "installationID": text("installationID"),
        "kustomizeOptions": {"buildOptions": text("kustomize.buildOptions")},
        "kustomizeVersions": _kustomize_versions(settings),
        "userLoginsDisabled": _nobody_logs_in(call),
        "uiCssURL": text("ui.cssurl"),
        "uiLoginButtonText": text("ui.loginButtonText"),
        "execEnabled": False,
        "appsInAnyNamespaceEnabled": False,
        "impersonationEnabled": settings.switch("application.sync.impersonation.enabled"),
        "hydratorEnabled": False,
        "syncWithReplaceAllowed": settings.switch("server.sync.replace.allowed", default=True),
        "resourceViewEnabled": not settings.switch("ui.view.resources.disabled"),
        "plugins": [],
    }
    oidc = _oidc(settings)
    if oidc:
        tree["oidcConfig"] = oidc
    if call.caller.is_signed_in:
        tree |= _for_people(call)
    return tree


def _for_people(call: Call[Any, Any]) -> JsonObject:
    settings, text = call.services.settings, call.services.settings.text
    return {
        "uiBannerContent": text("ui.bannercontent"),
        "uiBannerURL": text("ui.bannerurl"),
        "uiBannerPermanent": settings.switch("ui.bannerpermanent"),
        "uiBannerPosition": text("ui.bannerposition"),
        "passwordPattern": text(PATTERN_KEY) or DEFAULT_PATTERN,
        "controllerNamespace": call.services.facts.control_namespace,
        "resourceOverrides": _overrides(settings),
    }


def _help(settings: Settings) -> JsonObject:
    binaries = {
        key.removeprefix("help.download."): value
        for key, value in settings.cm().items()
        if key.startswith("help.download.")
    }
    chat = settings.text("help.chatUrl")
    words = settings.text("help.chatText") or ("Chat now!" if chat else "")
    return {"chatUrl": chat, "chatText": words, "binaryUrls": binaries}


def _kustomize_versions(settings: Settings) -> list[str]:
    prefixes = ("kustomize.path.", "kustomize.version.")
    return sorted(
        key.removeprefix(prefix)
        for key in settings.cm()
        for prefix in prefixes
        if key.startswith(prefix)
    )


def _nobody_logs_in(call: Call[Any, Any]) -> bool:
    accounts = call.services.accounts
    if accounts is None:
        return False
    return not any(
        one.is_enabled and Capability.LOGIN in one.capabilities for one in accounts.all()
    )


def _oidc(settings: Settings) -> JsonObject:
    """Return what a client must know of the provider; never its secret."""
    text = settings.text("oidc.config")
    try:
        tree = load_one(text) if text.strip() else None
    except YamlError:
        return {}
    if not isinstance(tree, dict):
        return {}
    public: dict[str, str] = {
        "name": "name", "issuer": "issuer", "clientID": "clientID", "cliClientID": "cliClientID",
        "requestedScopes": "scopes", "requestedIDTokenClaims": "idTokenClaims",
        "enablePKCEAuthentication": "enablePKCEAuthentication",
    }  # fmt: skip
    found = {ours: tree[key] for key, ours in public.items() if key in tree}
    # What is taken from a Secret is not told to who is not signed in.
    return {key: value for key, value in found.items() if not str(value).startswith("$")}


def _overrides(settings: Settings) -> JsonObject:
    """Return `resource.customizations.*` by kind, as Argo CD's page wants them."""
    found: JsonObject = {}
    for key, value in settings.cm().items():
        what, _, kind = key.removeprefix(f"{_OVERRIDES}.").partition(".")
        if key.startswith(f"{_OVERRIDES}.") and kind:
            found.setdefault(kind.replace("_", "/", 1), {})[what] = value
    return found


async def _plugins(_call: Call[Nothing, None]) -> JsonObject:
    return {"plugins": []}


ROUTES = (
    Route("GET", "/api/v1/settings", _settings, "Settings of the server.",
          answer=PublicSettings, needs=Needs.NOTHING),
    Route("GET", "/api/v1/settings/plugins", _plugins, "Config management plugins.",
          answer=Plugins),
)  # fmt: skip
