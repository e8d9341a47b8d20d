#!/usr/bin/env bash
# An emergency, from the first grip to the end, on a cluster where Holdfast runs:
#   pause  ->  kubectl edit  ->  adopt --commit  ->  resume  ->  Synced, and nothing was healed.
#
#   KUBECONFIG           the cluster
#   HOLDFAST_NAMESPACE   where `holdfast run` works (argocd)
#   REPOSITORIES         a folder below which `holdfast run --allow-local-repos` may read
#   HOLDFAST, KUBECTL    the programs, when they are not on PATH
set -euo pipefail

: "${KUBECONFIG:?names the cluster}" "${REPOSITORIES:?names the folder of local repositories}"
export KUBECONFIG HOLDFAST_NAMESPACE="${HOLDFAST_NAMESPACE:-argocd}"
holdfast=${HOLDFAST:-holdfast}
kubectl=${KUBECTL:-kubectl}
app="emergency-$$"
repository="$REPOSITORIES/$app"

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'emergency: %s\n' "$*" >&2; exit 1; }
clean_up() {
  $holdfast app delete "$app" --yes >/dev/null 2>&1 || true
  $kubectl delete namespace "$app" --wait=false >/dev/null 2>&1 || true
  rm -rf "$repository"
}
trap clean_up EXIT

say "An application in git, kept in sync and healed"
mkdir -p "$repository/app"
cat > "$repository/app/web.yaml" <<'YAML'
# The shop's front.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2  # enough on a quiet day
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        # The team's own image.
        - name: web
          image: "registry.example/web:1.0"
YAML
git -C "$repository" init -q -b main
git -C "$repository" config user.name "Ada Example"
git -C "$repository" config user.email ada@example.org
git -C "$repository" add .
git -C "$repository" commit -qm "Begin"
$kubectl create namespace "$app" >/dev/null
$holdfast app create "$app" --repo "file://$repository" --path app --revision main \
  --dest-server https://kubernetes.default.svc --dest-namespace "$app" \
  --sync-policy automated --self-heal >/dev/null
$holdfast app wait "$app" --sync --timeout 60 >/dev/null

say "Pause healing: somebody is about to work by hand"
$holdfast app pause "$app" --for 30m --reason "INC-123: too few replicas"

say "kubectl edit"
KUBE_EDITOR="sed -i -e 's/replicas: 2/replicas: 5/' -e 's#web:1.0#web:1.1#'" \
  $kubectl -n "$app" edit deployment web
generation() { $kubectl -n "$app" get deployment web -o 'jsonpath={.metadata.generation}'; }
edited=$(generation)

say "What it would be in git"
$holdfast app adopt "$app"

say "Take it into git"
$holdfast app adopt "$app" --commit -m "INC-123: five replicas of 1.1"
git -C "$repository" log -1 --format='%h %s (author %an, committer %cn)'
cat "$repository/app/web.yaml"

say "Resume: the cluster is what git says, so nothing is put back"
$holdfast app resume "$app"
$holdfast app get "$app" --refresh >/dev/null
$holdfast app wait "$app" --sync --timeout 60 >/dev/null
commit=$(git -C "$repository" rev-parse HEAD)
synced=$($kubectl -n "$HOLDFAST_NAMESPACE" get applications.argoproj.io "$app" \
  -o 'jsonpath={.status.sync.status} {.status.sync.revision}')
[ "$synced" = "Synced $commit" ] || fail "expected Synced at $commit, found: $synced"
live=$($kubectl -n "$app" get deployment web \
  -o 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image}')
[ "$live" = "5 registry.example/web:1.1" ] || fail "the fix is gone: $live"
[ "$(generation)" = "$edited" ] || fail "something was put back: generation $(generation)"
say "Synced at $commit with no heal"
