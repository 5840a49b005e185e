#!/usr/bin/env bash
# Installs what is missing, builds, and runs the whole job on a scene it makes itself.
# Arguments go to `cadastre demo`; the result is in demo-output/.
set -euo pipefail
cd "$(dirname "$0")"
. .ci/prepare.sh
install_packages "${build_packages[@]}"
build release cadastre cadastre-simulator cadastre-executor
exec build/release/bin/cadastre demo -o demo-output "$@"
