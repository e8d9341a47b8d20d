"""The shape of ApplicationSet (api.md §8.1, §8.3).

What a provider of generators takes stays free-form, and so do templates inside generators: they
nest, and no schema can say so.
"""

from typing import Final

from holdfast.schema.argo_crds.application import HEALTH, SPEC
from holdfast.schema.argo_crds.shapes import (
    ANY,
    FLAG,
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

_EXPRESSIONS: Final = listed(record("key", "operator", key=TEXT, operator=TEXT, values=TEXTS))
_SELECTOR: Final = record(matchLabels=LABELS, matchExpressions=_EXPRESSIONS)
_EVERY: Final = {"requeueAfterSeconds": NUMBER, "template": FREE, "values": LABELS}
_PATHS: Final = listed(record("path", path=TEXT, exclude=FLAG))

_LIST: Final = record(elements=listed(ANY), elementsYaml=TEXT, template=FREE)
_CLUSTERS: Final = record(selector=_SELECTOR, flatList=FLAG, template=FREE, values=LABELS)
_GIT: Final = record(
    "repoURL",
    "revision",
    repoURL=TEXT,
    revision=TEXT,
    directories=_PATHS,
    files=_PATHS,
    pathParamPrefix=TEXT,
    **_EVERY,
)
_SCM_PROVIDER: Final = record(
    github=FREE,
    gitlab=FREE,
    bitbucket=FREE,
    bitbucketServer=FREE,
    gitea=FREE,
    azureDevOps=FREE,
    awsCodeCommit=FREE,
    cloneProtocol=TEXT,
    filters=listed(
        record(
            repositoryMatch=TEXT,
            pathsExist=TEXTS,
            pathsDoNotExist=TEXTS,
            labelMatch=TEXT,
            branchMatch=TEXT,
        )
    ),
    **_EVERY,
)
_PULL_REQUEST: Final = record(
    github=FREE,
    gitlab=FREE,
    gitea=FREE,
    bitbucketServer=FREE,
    bitbucket=FREE,
    azuredevops=FREE,
    continueOnRepoNotFoundError=FLAG,
    filters=listed(record(branchMatch=TEXT, targetBranchMatch=TEXT, titleMatch=TEXT)),
    **_EVERY,
)
_DECISION: Final = record(
    "configMapRef", configMapRef=TEXT, name=TEXT, labelSelector=_SELECTOR, **_EVERY
)
_PLUGIN: Final = record(
    "configMapRef",
    configMapRef=record("name", name=TEXT),
    input=record(parameters={"type": "object", "additionalProperties": ANY}),
    **_EVERY,
)
_LEAVES: Final[dict[str, Shape]] = {
    "clusterDecisionResource": _DECISION,
    "clusters": _CLUSTERS,
    "git": _GIT,
    "list": _LIST,
    "plugin": _PLUGIN,
    "pullRequest": _PULL_REQUEST,
    "scmProvider": _SCM_PROVIDER,
    "selector": _SELECTOR,
}
_NESTED: Final = listed(record(**_LEAVES, matrix=FREE, merge=FREE))
_GENERATOR: Final = record(
    **_LEAVES,
    matrix=record("generators", generators=_NESTED, template=FREE),
    merge=record("generators", "mergeKeys", generators=_NESTED, mergeKeys=TEXTS, template=FREE),
)

_APPLICATION_STATUS: Final = record(
    "application",
    "message",
    "status",
    "step",
    application=TEXT,
    step=TEXT,
    status=TEXT,
    message=TEXT,
    targetRevisions=TEXTS,
    lastTransitionTime=TIME,
)
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

APPLICATION_SET_SHAPE: Final = record(
    "metadata",
    "spec",
    apiVersion=TEXT,
    kind=TEXT,
    metadata={"type": "object"},
    spec=record(
        "generators",
        "template",
        goTemplate=FLAG,
        goTemplateOptions=TEXTS,
        generators=listed(_GENERATOR),
        template=record(
            "metadata",
            "spec",
            metadata=record(
                name=TEXT, namespace=TEXT, labels=LABELS, annotations=LABELS, finalizers=TEXTS
            ),
            spec=SPEC,
        ),
        templatePatch=TEXT,
        syncPolicy=record(preserveResourcesOnDeletion=FLAG, applicationsSync=TEXT),
        strategy=record(
            type=TEXT,
            rollingSync=record(
                steps=listed(record(matchExpressions=_EXPRESSIONS, maxUpdate=INT_OR_TEXT))
            ),
            deletionOrder=TEXT,
        ),
        preservedFields=record(annotations=TEXTS, labels=TEXTS),
        applyNestedSelectors=FLAG,
        ignoreApplicationDifferences=listed(
            record(name=TEXT, jsonPointers=TEXTS, jqPathExpressions=TEXTS)
        ),
    ),
    status=record(
        conditions=listed(
            record(
                "message",
                "reason",
                "status",
                "type",
                type=TEXT,
                status=TEXT,
                reason=TEXT,
                message=TEXT,
                lastTransitionTime=TIME,
            )
        ),
        applicationStatus=listed(_APPLICATION_STATUS),
        resources=listed(_RESOURCE),
        resourcesCount=NUMBER,
        health=HEALTH,
    ),
)
