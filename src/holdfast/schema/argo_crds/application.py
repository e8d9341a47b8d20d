"""The shape of Application, from the leaves up (controller.md §1.1-§1.7)."""

from typing import Final

from holdfast.schema.argo_crds.shapes import (
    FLAG,
    FLAGS,
    FREE,
    INT_OR_TEXT,
    LABELS,
    NUMBER,
    TEXT,
    TEXTS,
    TIME,
    Shape,
    listed,
    record,
)

# --- sources (§1.3) --------------------------------------------------------------------------

_NAMED_VALUE: Final = record("name", "value", name=TEXT, value=TEXT)
_JSONNET_VARIABLE: Final = record("name", "value", name=TEXT, value=TEXT, code=FLAG)

HELM: Final = record(
    valueFiles=TEXTS,
    parameters=listed(record(name=TEXT, value=TEXT, forceString=FLAG)),
    fileParameters=listed(record(name=TEXT, path=TEXT)),
    releaseName=TEXT,
    values=TEXT,
    valuesObject=FREE,
    version=TEXT,
    passCredentials=FLAG,
    ignoreMissingValueFiles=FLAG,
    skipCrds=FLAG,
    skipTests=FLAG,
    skipSchemaValidation=FLAG,
    namespace=TEXT,
    kubeVersion=TEXT,
    apiVersions=TEXTS,
)
KUSTOMIZE: Final = record(
    namePrefix=TEXT,
    nameSuffix=TEXT,
    images=TEXTS,
    replicas=listed(record("name", "count", name=TEXT, count=INT_OR_TEXT)),
    commonLabels=LABELS,
    commonAnnotations=LABELS,
    commonAnnotationsEnvsubst=FLAG,
    forceCommonLabels=FLAG,
    forceCommonAnnotations=FLAG,
    labelWithoutSelector=FLAG,
    labelIncludeTemplates=FLAG,
    namespace=TEXT,
    patches=listed(
        record(
            path=TEXT,
            patch=TEXT,
            target=record(
                group=TEXT,
                version=TEXT,
                kind=TEXT,
                name=TEXT,
                namespace=TEXT,
                labelSelector=TEXT,
                annotationSelector=TEXT,
            ),
            options=FLAGS,
        )
    ),
    components=TEXTS,
    ignoreMissingComponents=FLAG,
    version=TEXT,
    kubeVersion=TEXT,
    apiVersions=TEXTS,
)
DIRECTORY: Final = record(
    recurse=FLAG,
    include=TEXT,
    exclude=TEXT,
    disableExtensionFilter=FLAG,
    jsonnet=record(extVars=listed(_JSONNET_VARIABLE), tlas=listed(_JSONNET_VARIABLE), libs=TEXTS),
)
PLUGIN: Final = record(
    name=TEXT,
    env=listed(_NAMED_VALUE),
    parameters=listed(record(name=TEXT, string=TEXT, array=TEXTS, map=LABELS)),
)
SOURCE: Final = record(
    "repoURL",
    repoURL=TEXT,
    path=TEXT,
    targetRevision=TEXT,
    chart=TEXT,
    ref=TEXT,
    name=TEXT,
    tagPrefix=TEXT,
    helm=HELM,
    kustomize=KUSTOMIZE,
    directory=DIRECTORY,
    plugin=PLUGIN,
)
SOURCES: Final = listed(SOURCE)

# --- hydrator (§1.7) -------------------------------------------------------------------------

_BELOW_ROOT: Final[Shape] = {"type": "string", "minLength": 1, "pattern": r"^.{2,}|[^./]$"}
HYDRATOR: Final = record(
    "drySource",
    "syncSource",
    drySource=record(
        "path",
        "repoURL",
        "targetRevision",
        repoURL=TEXT,
        targetRevision=TEXT,
        path=TEXT,
        helm=HELM,
        kustomize=KUSTOMIZE,
        directory=DIRECTORY,
        plugin=PLUGIN,
    ),
    syncSource=record("path", "targetBranch", repoURL=TEXT, targetBranch=TEXT, path=_BELOW_ROOT),
    hydrateTo=record("targetBranch", targetBranch=TEXT),
)

# --- spec (§1.2) -----------------------------------------------------------------------------

DESTINATION: Final = record(server=TEXT, name=TEXT, namespace=TEXT)
RETRY: Final = record(
    limit=NUMBER,
    refresh=FLAG,
    backoff=record(duration=TEXT, factor=NUMBER, maxDuration=TEXT),
)
NAMESPACE_METADATA: Final = record(labels=LABELS, annotations=LABELS)
IGNORE_DIFFERENCES: Final = listed(
    record(
        "kind",
        group=TEXT,
        kind=TEXT,
        name=TEXT,
        namespace=TEXT,
        jsonPointers=TEXTS,
        jqPathExpressions=TEXTS,
        managedFieldsManagers=TEXTS,
    )
)
INFO: Final = listed(_NAMED_VALUE)
SYNC_POLICY: Final = record(
    automated=record(prune=FLAG, selfHeal=FLAG, allowEmpty=FLAG, enabled=FLAG),
    syncOptions=TEXTS,
    retry=RETRY,
    managedNamespaceMetadata=NAMESPACE_METADATA,
)
SPEC: Final = record(
    "destination",
    "project",
    project=TEXT,
    source=SOURCE,
    sources=SOURCES,
    sourceHydrator=HYDRATOR,
    destination=DESTINATION,
    syncPolicy=SYNC_POLICY,
    ignoreDifferences=IGNORE_DIFFERENCES,
    info=INFO,
    revisionHistoryLimit=NUMBER,
)

# --- operation (§1.5) ------------------------------------------------------------------------

_FORCE: Final = record(force=FLAG)
INITIATED_BY: Final = record(username=TEXT, automated=FLAG)
OPERATION: Final = record(
    sync=record(
        revision=TEXT,
        revisions=TEXTS,
        prune=FLAG,
        dryRun=FLAG,
        syncStrategy=record(apply=_FORCE, hook=_FORCE),
        resources=listed(record("kind", "name", group=TEXT, kind=TEXT, name=TEXT, namespace=TEXT)),
        source=SOURCE,
        sources=SOURCES,
        manifests=TEXTS,
        syncOptions=TEXTS,
        autoHealAttemptsCount=NUMBER,
    ),
    initiatedBy=INITIATED_BY,
    info=INFO,
    retry=RETRY,
)

# --- status (§1.6, §6.11, §8) ----------------------------------------------------------------

HEALTH: Final = record(status=TEXT, message=TEXT, lastTransitionTime=TIME)
_RESOURCE: Final = record(
    group=TEXT,
    version=TEXT,
    kind=TEXT,
    namespace=TEXT,
    name=TEXT,
    status=TEXT,
    health=HEALTH,
    hook=FLAG,
    requiresPruning=FLAG,
    requiresDeletionConfirmation=FLAG,
    syncWave=NUMBER,
)
_SYNC_STATUS: Final = record(
    "status",
    status=TEXT,
    comparedTo=record(
        source=SOURCE,
        sources=SOURCES,
        destination=DESTINATION,
        ignoreDifferences=IGNORE_DIFFERENCES,
    ),
    revision=TEXT,
    revisions=TEXTS,
)
_HISTORY_ENTRY: Final = record(
    "deployedAt",
    "id",
    id=NUMBER,
    revision=TEXT,
    revisions=TEXTS,
    deployStartedAt=TIME,
    deployedAt=TIME,
    source=SOURCE,
    sources=SOURCES,
    initiatedBy=INITIATED_BY,
)
_SYNC_RESULT: Final = record(
    "revision",
    revision=TEXT,
    revisions=TEXTS,
    source=SOURCE,
    sources=SOURCES,
    managedNamespaceMetadata=NAMESPACE_METADATA,
    resources=listed(
        record(
            "group",
            "kind",
            "name",
            "namespace",
            "version",
            group=TEXT,
            version=TEXT,
            kind=TEXT,
            namespace=TEXT,
            name=TEXT,
            status=TEXT,
            message=TEXT,
            hookType=TEXT,
            hookPhase=TEXT,
            syncPhase=TEXT,
            images=TEXTS,
        )
    ),
)
_OPERATION_STATE: Final = record(
    "operation",
    "phase",
    "startedAt",
    operation=OPERATION,
    phase=TEXT,
    message=TEXT,
    syncResult=_SYNC_RESULT,
    startedAt=TIME,
    finishedAt=TIME,
    retryCount=NUMBER,
)
_HYDRATION: Final = record(
    lastSuccessfulOperation=record(drySHA=TEXT, hydratedSHA=TEXT, sourceHydrator=HYDRATOR),
    currentOperation=record(
        startedAt=TIME,
        finishedAt=TIME,
        phase=TEXT,
        message=TEXT,
        drySHA=TEXT,
        hydratedSHA=TEXT,
        sourceHydrator=HYDRATOR,
    ),
    lastComparedDryRevision=TEXT,
)
STATUS: Final = record(
    resources=listed(_RESOURCE),
    sync=_SYNC_STATUS,
    health=HEALTH,
    history=listed(_HISTORY_ENTRY),
    conditions=listed(record("message", "type", type=TEXT, message=TEXT, lastTransitionTime=TIME)),
    reconciledAt=TIME,
    observedAt=TIME,
    operationState=_OPERATION_STATE,
    sourceType=TEXT,
    sourceTypes=TEXTS,
    summary=record(externalURLs=TEXTS, images=TEXTS, isAppOfApps=FLAG),
    resourceHealthSource=TEXT,
    controllerNamespace=TEXT,
    sourceHydrator=_HYDRATION,
)

APPLICATION_SHAPE: Final = record(
    "metadata",
    "spec",
    apiVersion=TEXT,
    kind=TEXT,
    metadata={"type": "object"},
    spec=SPEC,
    operation=OPERATION,
    status=STATUS,
)
