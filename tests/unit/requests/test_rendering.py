"""What is rendered for a person: a source that is not built is refused before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from holdfast.controller.requests.rendering import Rendering
from holdfast.domain.application import Application
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.manifest import Manifest
from holdfast.renderers.dispatch import refuse_unbuilt
from tests.support.builders import app

if TYPE_CHECKING:
    from holdfast.domain.ports import Kinds, Renderer, Sealing, Sources
    from holdfast.domain.source import Source


class NoSources:
    async def resolve(self, source: Source, revision: str, *, force: bool = False) -> str:
        raise AssertionError(f"{source.repo_url} was asked for {revision} (force={force})")


class OnlyRefuses:
    def refuse_unbuilt(self, source: Source) -> None:
        refuse_unbuilt(source)


async def test_a_helm_repository_is_not_asked_for_a_revision() -> None:
    chart: dict[str, Any] = {"repoURL": "https://charts.example.com", "chart": "redis"}
    tree = app()
    tree["spec"]["source"] = {**chart, "targetRevision": "1.0.0"}
    rendering = Rendering(
        cast("Sources", NoSources()),
        cast("Renderer", OnlyRefuses()),
        cast("Kinds", None),
        cast("Sealing", None),
        "argocd",
    )
    with pytest.raises(ConfigurationError, match="Helm is not built yet") as caught:
        await rendering.resolve(Application.parse(Manifest(tree)))
    assert caught.value.code == "HF3008"
