# shellcheck shell=bash
# The cluster of the environment: KUBECONFIG_CONTENT in a file for this process alone. Sourced by deploy and rollback.

set -euo pipefail

# shellcheck disable=SC2034 # used by those that source this
RELEASE=haushavn NAMESPACE=haushavn
PRIVATE=$(mktemp -d)
trap 'rm -rf "$PRIVATE"' EXIT
(umask 077 && printf '%s' "${KUBECONFIG_CONTENT:?is missing}" >"$PRIVATE/kubeconfig")
export KUBECONFIG="$PRIVATE/kubeconfig"
