#!/bin/bash
# What deploy/ holds, as far as it can be checked without what it is for: the compose file by docker-compose, the
# Kubernetes files by kubectl's kustomize and kubernetes-validate, the systemd unit by systemd-analyze. What has no tool
# here is skipped, by name. Last line: "N passed, N failed" (", N skipped").
#
#   PERKLINE=build/release/perkline tests/support/deploy_check.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
perkline=${PERKLINE:-build/release/perkline}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

check() { # name, command
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1)) && echo "  ok    $name"
    else
        failed=$((failed + 1)) && echo "  FAIL  $name" && tail -n 20 "$work/log"
    fi
}

has() { # program, what it would check
    command -v "$1" >/dev/null && return
    skipped=$((skipped + 1))
    echo "        skipped: $2 (no $1)"
    return 1
}

# The workers' places to be filled in by hand, but nothing that kustomize did not resolve.
kubernetes() {
    cp -R deploy/kubernetes "$work/kubernetes" &&
        "$perkline" templates pack templates >"$work/kubernetes/templates.pack" &&
        kubectl kustomize "$work/kubernetes" >"$work/all.yaml" &&
        [ "$(grep -c '^kind: Deployment$' "$work/all.yaml")" = 2 ] &&
        for channel in email sms; do
            grep -q "consumerGroup: perkline-$channel" "$work/all.yaml" && grep -q "value: $channel" "$work/all.yaml" || return 1
        done
}

# All but what is not Kubernetes' own (KEDA).
kubernetes_schemas() {
    awk 'BEGIN {RS = "---\n"} !/\nkind: ScaledObject\n/ {printf "---\n%s", $0}' "$work/all.yaml" >"$work/own.yaml" &&
        kubernetes-validate --strict "$work/own.yaml"
}

unit_verifies() {
    sed "s|/usr/bin/perkline|$(realpath "$perkline")|" deploy/systemd/perkline@.service >"$work/perkline@email.service"
    systemd-analyze verify "$work/perkline@email.service" 2>&1 | grep "perkline@" && return 1
    return 0
}

# Exposure 0 (nothing may be done) to 10.
unit_is_confined() {
    systemd-analyze security --offline=true --threshold=20 "$work/perkline@email.service"
}

# Every setting that a file of deploy/ names is one that the worker has.
settings_exist() {
    local name fault=0
    "$perkline" worker --help | awk '/^  [A-Z]/ {print $1}' | sort >"$work/settings"
    { sed -n '/^x-settings:/,/^$/s/^  \([A-Z_]*\):.*/\1/p' docker-compose.yml
      sed -n 's/^\([A-Z_]*\)=.*/\1/p' deploy/kubernetes/settings.env
      sed -n 's/.*{ name: \([A-Z_]*\), value:.*/\1/p' deploy/kubernetes/worker/deployment.yaml; } |
        sed 's/_FILE$//' | sort -u >"$work/used"
    [ "$(wc -l <"$work/used")" -gt 8 ] || return 1
    while IFS= read -r name; do
        grep -qx "$name" "$work/settings" || { echo "no setting $name" && fault=1; }
    done <"$work/used"
    return "$fault"
}

check "settings are the worker's" settings_exist
has docker-compose "docker-compose.yml" && check "docker-compose.yml" docker-compose -f docker-compose.yml config -q
if has kubectl "deploy/kubernetes"; then
    check "deploy/kubernetes" kubernetes
    has kubernetes-validate "schemas of deploy/kubernetes" && check "schemas of deploy/kubernetes" kubernetes_schemas
fi
if has systemd-analyze "deploy/systemd"; then
    check "deploy/systemd" unit_verifies
    check "the unit is confined" unit_is_confined
fi
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ]
