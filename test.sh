#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests. Arguments go to ctest.
set -euo pipefail
cd "$(dirname "$0")"
. .ci/prepare.sh
install_packages "${build_packages[@]}" "${test_packages[@]}"
preset=${CADASTRE_PRESET:-release}
build "$preset"
exec ctest --preset "$preset" -j "$(nproc)" "$@"
