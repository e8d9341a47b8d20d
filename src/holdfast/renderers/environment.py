"""The build environment: `$ARGOCD_APP_…` in the fields that take it (controller.md §3.4)."""

import re
from collections.abc import Mapping

from holdfast.domain.source import Checkout, RenderContext, Source

_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>[^}]*)\}|(?P<plain>[A-Za-z0-9_]+))")


def build_environment(checkout: Checkout, source: Source, context: RenderContext) -> dict[str, str]:
    """Return the variables of one render."""
    return {
        "ARGOCD_APP_NAME": context.app_instance,
        "ARGOCD_APP_NAMESPACE": context.destination_namespace,
        "ARGOCD_APP_PROJECT_NAME": context.project,
        "ARGOCD_APP_REVISION": checkout.revision,
        "ARGOCD_APP_REVISION_SHORT": checkout.revision[:7],
        "ARGOCD_APP_REVISION_SHORT_8": checkout.revision[:8],
        "ARGOCD_APP_SOURCE_REPO_URL": source.repo_url,
        "ARGOCD_APP_SOURCE_PATH": source.path,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": source.target_revision,
    }


def substitute(text: str, environment: Mapping[str, str]) -> str:
    """Return a text with `$VAR` and `${VAR}` replaced; unknown ones vanish, `$$` is one `$`."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        return environment.get(match["braced"] or match["plain"] or "", "")

    return _VARIABLE.sub(value, text)
