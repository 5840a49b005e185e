# Sourced by demo.sh and test.sh: installs Debian packages that are missing, configures and builds.
# Quick when nothing is missing: it looks before it installs.

packages_missing() {
  local package
  for package in "$@"; do
    case $package in
      # Node.js may come from elsewhere than Debian, under the same commands.
      nodejs) command -v node >/dev/null || echo "$package" ;;
      npm) command -v npm >/dev/null || echo "$package" ;;
      *) dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package" ;;
    esac
  done
}

install_packages() {
  local missing
  missing=$(packages_missing "$@")
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null ||
    { echo "error: these Debian packages are needed, and there is no apt-get here: $missing" >&2; return 1; }
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      { echo "error: run as root, or install sudo, so that these can be installed: $missing" >&2; return 1; }
    as_root=(sudo)
  fi
  echo "installing" $missing >&2
  "${as_root[@]}" apt-get update -q >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends $missing >&2
}

build_packages=(
  ca-certificates g++ cmake ninja-build ccache pkg-config
  nlohmann-json3-dev libcli11-dev libboost-graph-dev libpugixml-dev catch2
  libsimgrid-dev libtorch-dev libgloo-dev libopenblas0-pthread libgdal-dev libssl-dev zlib1g-dev
  libminizip-dev
  libonnx-dev libprotobuf-dev libceres-dev nodejs npm)

# Launchers and hosts that tests try for real; where one is missing, its tests are skipped.
test_packages=(
  chromium python3 iproute2 openmpi-bin slurmctld slurmd slurm-client munge python3-torch python3-torchvision)

# build PRESET [targets]
build() {
  local preset=$1
  shift
  cmake --preset "$preset" ${CADASTRE_CMAKE_ARGUMENTS:-} >/dev/null
  cmake --build --preset "$preset" ${1:+--target "$@"}
}
