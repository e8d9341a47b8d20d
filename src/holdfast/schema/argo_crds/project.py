"""The shape of AppProject (controller.md §1.8, §12.1)."""

from typing import Final

from holdfast.schema.argo_crds.shapes import (
    FLAG,
    NUMBER,
    TEXT,
    TEXTS,
    Shape,
    listed,
    mapped,
    record,
)

_DESCRIPTION: Final[Shape] = {"type": "string", "maxLength": 255}
_KIND: Final = record("group", "kind", group=TEXT, kind=TEXT)
_NAMED_KIND: Final = record("group", "kind", group=TEXT, kind=TEXT, name=TEXT)
_TOKENS: Final = listed(record("iat", iat=NUMBER, exp=NUMBER, id=TEXT))

_ROLE: Final = record(
    "name", name=TEXT, description=TEXT, policies=TEXTS, groups=TEXTS, jwtTokens=_TOKENS
)
_WINDOW: Final = record(
    kind=TEXT,
    schedule=TEXT,
    duration=TEXT,
    applications=TEXTS,
    namespaces=TEXTS,
    clusters=TEXTS,
    manualSync=FLAG,
    timeZone=TEXT,
    andOperator=FLAG,
    syncOverrun=FLAG,
    description=_DESCRIPTION,
)
_INTEGRITY: Final = record(
    git=record(
        policies=listed(record(repos=listed(record(url=TEXT)), gpg=record(mode=TEXT, keys=TEXTS)))
    )
)

PROJECT_SHAPE: Final = record(
    "metadata",
    "spec",
    apiVersion=TEXT,
    kind=TEXT,
    metadata={"type": "object"},
    spec=record(
        description=_DESCRIPTION,
        sourceRepos=TEXTS,
        destinations=listed(record(server=TEXT, name=TEXT, namespace=TEXT)),
        sourceNamespaces=TEXTS,
        clusterResourceWhitelist=listed(_NAMED_KIND),
        clusterResourceBlacklist=listed(_NAMED_KIND),
        namespaceResourceWhitelist=listed(_KIND),
        namespaceResourceBlacklist=listed(_KIND),
        roles=listed(_ROLE),
        orphanedResources=record(
            warn=FLAG, ignore=listed(record(group=TEXT, kind=TEXT, name=TEXT))
        ),
        syncWindows=listed(_WINDOW),
        signatureKeys=listed(record("keyID", keyID=TEXT)),
        sourceIntegrity=_INTEGRITY,
        permitOnlyProjectScopedClusters=FLAG,
        destinationServiceAccounts=listed(
            record(
                "defaultServiceAccount",
                "server",
                server=TEXT,
                namespace=TEXT,
                defaultServiceAccount=TEXT,
            )
        ),
    ),
    status=record(jwtTokensByRole=mapped(record(items=_TOKENS))),
)
