"""The one table of spec flags, shared by `app create` and `app set`, and where each one lands.

Source: docs/internals/argocd/api.md §4.6. `PLAIN` maps a flag to the path that it sets, as it
stands; flags that need more than that are handled by name in `spec_edit`.
"""

from holdfast.cli.pflag import Flag, FlagKind

_SWITCH, _NUMBER, _LINES = FlagKind.SWITCH, FlagKind.NUMBER, FlagKind.LINES
SYNC_POLICIES = ("none", "manual", "automated", "automatic", "auto")

GENERAL = (
    Flag("repo", "Repository URL.", metavar="URL"),
    Flag("path", "Folder inside the repository.", metavar="DIR"),
    Flag("revision", "Branch, tag or commit to follow; empty is HEAD."),
    Flag("helm-chart", "Name of a Helm chart."),
    Flag("ref", "Name under which other sources refer to this one."),
    Flag("tag-prefix", "Only tags with this prefix count for version constraints."),
    Flag("source-name", "Name of the source, by which it can be chosen."),
    Flag("project", "Project of the Application."),
    Flag("dest-server", "URL of the destination cluster.", metavar="URL"),
    Flag("dest-name", "Name of the destination cluster."),
    Flag("dest-namespace", "Namespace for objects that name none."),
    Flag("sync-policy", "Automatic sync, or not.", choices=SYNC_POLICIES),
    Flag("auto-prune", "Let automatic sync remove what git no longer declares.", _SWITCH),
    Flag("self-heal", "Put back what was changed in the cluster (with automatic sync).", _SWITCH),
    Flag("allow-empty", "Let automatic sync remove everything when git declares nothing.", _SWITCH),
    Flag("sync-option", "Name=value; `!Name=value` removes it; repeat it for more.", _LINES),
    Flag("sync-retry-limit", "Retries of a failed sync; negative is without limit.", _NUMBER),
    Flag("sync-retry-refresh", "Resolve the revision anew at each retry.", _SWITCH),
    Flag("sync-retry-backoff-duration", "First wait before a retry.", default="5s"),
    Flag("sync-retry-backoff-max-duration", "Longest wait before a retry.", default="3m"),
    Flag("sync-retry-backoff-factor", "Growth of the wait.", _NUMBER, default="2"),
    Flag("revision-history-limit", "Deployments to remember.", _NUMBER, default="10"),
    Flag("validate", "Check repository, destination and project first.", _SWITCH, default="true"),
)
HELM = (
    Flag("parameter", "Helm parameter name=value.", _LINES, short="p"),
    Flag("helm-set", "Helm parameter name=value.", _LINES),
    Flag("helm-set-string", "Helm parameter name=value, always a string.", _LINES),
    Flag("helm-set-file", "Helm parameter name=path of a file.", _LINES),
    Flag("values", "Helm values file of the repository.", _LINES),
    Flag("values-literal-file", "File on this machine whose text becomes the values."),
    Flag("ignore-missing-value-files", "Pass over values files that do not exist.", _SWITCH),
    Flag("release-name", "Helm release name."),
    Flag("helm-version", "Helm version.", choices=("v3", "v4")),
    Flag("helm-pass-credentials", "Send credentials to all domains.", _SWITCH),
    Flag("helm-skip-crds", "Leave out CRDs.", _SWITCH),
    Flag("helm-skip-tests", "Leave out tests.", _SWITCH),
    Flag("helm-skip-schema-validation", "Leave out schema validation.", _SWITCH),
    Flag("helm-namespace", "Namespace that the chart sees."),
    Flag("helm-kube-version", "Kubernetes version that the chart sees."),
    Flag("helm-api-versions", "API versions that the chart sees.", _LINES),
)
KUSTOMIZE = (
    Flag("nameprefix", "Kustomize name prefix."),
    Flag("namesuffix", "Kustomize name suffix."),
    Flag("kustomize-version", "Kustomize version."),
    Flag("kustomize-image", "Image override [old=]new[:tag|@digest].", _LINES),
    Flag("kustomize-replica", "Replica override name=count.", _LINES),
    Flag("kustomize-namespace", "Namespace override."),
    Flag("kustomize-common-label", "Label name=value for every object.", _LINES),
    Flag("kustomize-common-annotation", "Annotation name=value for every object.", _LINES),
    Flag("kustomize-force-common-label", "Replace labels that exist.", _SWITCH),
    Flag("kustomize-force-common-annotation", "Replace annotations that exist.", _SWITCH),
    Flag("kustomize-label-without-selector", "Keep labels out of selectors.", _SWITCH),
    Flag("kustomize-label-include-templates", "Put labels into templates.", _SWITCH),
    Flag("kustomize-kube-version", "Kubernetes version that Helm charts see."),
    Flag("kustomize-api-versions", "API versions that Helm charts see.", _LINES),
    Flag("ignore-missing-components", "Pass over components that do not exist.", _SWITCH),
)
DIRECTORY = (
    Flag("directory-recurse", "Read folders below the path too.", _SWITCH),
    Flag("directory-include", "Glob of files to read."),
    Flag("directory-exclude", "Glob of files to leave out."),
    Flag("directory-disable-extension-filter", "Read files of any extension.", _SWITCH),
    Flag("jsonnet-tla-str", "Jsonnet argument name=text.", _LINES),
    Flag("jsonnet-tla-code", "Jsonnet argument name=code.", _LINES),
    Flag("jsonnet-ext-var-str", "Jsonnet variable name=text.", _LINES),
    Flag("jsonnet-ext-var-code", "Jsonnet variable name=code.", _LINES),
    Flag("jsonnet-libs", "Jsonnet library folder.", _LINES),
)
PLUGIN = (
    Flag("config-management-plugin", "Name of the plugin."),
    Flag("plugin-env", "Environment name=value of the plugin.", _LINES),
    Flag("dry-source-repo", "Hydrator: repository of the dry source."),
    Flag("dry-source-revision", "Hydrator: revision of the dry source."),
    Flag("dry-source-path", "Hydrator: path of the dry source."),
    Flag("sync-source-branch", "Hydrator: branch that is synced."),
    Flag("sync-source-path", "Hydrator: path that is synced."),
    Flag("hydrate-to-branch", "Hydrator: branch to write to."),
    Flag("env", "Accepted for compatibility; it had meaning for ksonnet alone.", hidden=True),
)
SPEC_FLAGS = GENERAL + HELM + KUSTOMIZE + DIRECTORY + PLUGIN

# Flag -> path below the source.
PLAIN_SOURCE: dict[str, tuple[str, ...]] = {
    "repo": ("repoURL",),
    "path": ("path",),
    "revision": ("targetRevision",),
    "helm-chart": ("chart",),
    "ref": ("ref",),
    "tag-prefix": ("tagPrefix",),
    "values": ("helm", "valueFiles"),
    "ignore-missing-value-files": ("helm", "ignoreMissingValueFiles"),
    "release-name": ("helm", "releaseName"),
    "helm-version": ("helm", "version"),
    "helm-pass-credentials": ("helm", "passCredentials"),
    "helm-skip-crds": ("helm", "skipCrds"),
    "helm-skip-tests": ("helm", "skipTests"),
    "helm-skip-schema-validation": ("helm", "skipSchemaValidation"),
    "helm-namespace": ("helm", "namespace"),
    "helm-kube-version": ("helm", "kubeVersion"),
    "helm-api-versions": ("helm", "apiVersions"),
    "nameprefix": ("kustomize", "namePrefix"),
    "namesuffix": ("kustomize", "nameSuffix"),
    "kustomize-version": ("kustomize", "version"),
    "kustomize-namespace": ("kustomize", "namespace"),
    "kustomize-force-common-label": ("kustomize", "forceCommonLabels"),
    "kustomize-force-common-annotation": ("kustomize", "forceCommonAnnotations"),
    "kustomize-label-without-selector": ("kustomize", "labelWithoutSelector"),
    "kustomize-label-include-templates": ("kustomize", "labelIncludeTemplates"),
    "kustomize-kube-version": ("kustomize", "kubeVersion"),
    "kustomize-api-versions": ("kustomize", "apiVersions"),
    "ignore-missing-components": ("kustomize", "ignoreMissingComponents"),
    "directory-recurse": ("directory", "recurse"),
    "directory-include": ("directory", "include"),
    "directory-exclude": ("directory", "exclude"),
    "directory-disable-extension-filter": ("directory", "disableExtensionFilter"),
    "jsonnet-libs": ("directory", "jsonnet", "libs"),
    "config-management-plugin": ("plugin", "name"),
}

# Flag -> path below the spec.
PLAIN_SPEC: dict[str, tuple[str, ...]] = {
    "project": ("project",),
    "dest-server": ("destination", "server"),
    "dest-name": ("destination", "name"),
    "dest-namespace": ("destination", "namespace"),
    "revision-history-limit": ("revisionHistoryLimit",),
    "dry-source-repo": ("sourceHydrator", "drySource", "repoURL"),
    "dry-source-revision": ("sourceHydrator", "drySource", "targetRevision"),
    "dry-source-path": ("sourceHydrator", "drySource", "path"),
    "sync-source-branch": ("sourceHydrator", "syncSource", "targetBranch"),
    "sync-source-path": ("sourceHydrator", "syncSource", "path"),
    "hydrate-to-branch": ("sourceHydrator", "hydrateTo", "targetBranch"),
}

# Flag -> (path of a list below the source, key of the name, key of the value, what else stands in
# each entry). Entries of the same name are replaced, others are kept.
NAMED: dict[str, tuple[tuple[str, ...], str, str, dict[str, bool]]] = {
    "parameter": (("helm", "parameters"), "name", "value", {}),
    "helm-set": (("helm", "parameters"), "name", "value", {}),
    "helm-set-string": (("helm", "parameters"), "name", "value", {"forceString": True}),
    "helm-set-file": (("helm", "fileParameters"), "name", "path", {}),
    "kustomize-replica": (("kustomize", "replicas"), "name", "count", {}),
    "jsonnet-tla-str": (("directory", "jsonnet", "tlas"), "name", "value", {}),
    "jsonnet-tla-code": (("directory", "jsonnet", "tlas"), "name", "value", {"code": True}),
    "jsonnet-ext-var-str": (("directory", "jsonnet", "extVars"), "name", "value", {}),
    "jsonnet-ext-var-code": (("directory", "jsonnet", "extVars"), "name", "value", {"code": True}),
    "plugin-env": (("plugin", "env"), "name", "value", {}),
}

# Flag -> path of a mapping below the source; the given pairs replace it.
PAIRS: dict[str, tuple[str, ...]] = {
    "kustomize-common-label": ("kustomize", "commonLabels"),
    "kustomize-common-annotation": ("kustomize", "commonAnnotations"),
}
