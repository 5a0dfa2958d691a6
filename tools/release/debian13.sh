#!/bin/bash
# The Debian package for Debian 13, built in a root of Debian 13: debian13.sh ROOT OUTPUT PACKAGE…
# ROOT is made and kept; the PACKAGEs are what building needs. The sources are mounted read-only. Needs root.
set -euo pipefail
source=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
"$source/tools/release/debian_root.sh" trixie "$1"
root=$(realpath "$1")
output=$(realpath "$2")
shift 2
mkdir -p "$root/source" "$root/output"

# In a mount namespace of its own: nothing stays mounted, however this ends.
export source output root SOURCE_DATE_EPOCH
exec unshare --mount bash -euo pipefail -s -- "$@" <<'SCRIPT'
mount --bind "$source" "$root/source"
mount -o remount,bind,ro "$root/source"
mount --bind "$output" "$root/output"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
  SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" CCACHE_DIR=/ccache bash -euo pipefail -s -- "$@" <<'BUILD'
apt-get update -qq
apt-get install -qq -y --no-install-recommends "$@" </dev/null >/install.log
cmake -S /source -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DTPX_TESTS=OFF -DTPX_RECORDED_BTF=ON -DTPX_DEBIAN_SUFFIX=+deb13 \
  "-DTPX_EPOCH=$SOURCE_DATE_EPOCH"
ninja -C /build -j "$(nproc)"
rm -rf /packed
cpack --config /build/CPackConfig.cmake -G DEB -B /packed
cp /packed/*.deb /output/
BUILD
SCRIPT
