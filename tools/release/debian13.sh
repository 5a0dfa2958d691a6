#!/bin/bash
# The Debian package for Debian 13, built in a root of Debian 13: debian13.sh ROOT OUTPUT PACKAGE…
# ROOT is made by debootstrap and kept; the PACKAGEs are what building needs. The sources are mounted read-only. Needs root.
set -euo pipefail
source=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
root=$1
output=$(realpath "$2")
shift 2

if [[ ! -e $root/complete ]]; then
  rm -rf "$root"
  mkdir -p "$root"
  debootstrap --variant=minbase trixie "$root" "${TPX_MIRROR:-http://deb.debian.org/debian}" >"$root.log"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  mkdir "$root/source" "$root/output"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  : >"$root/complete"
fi
root=$(realpath "$root")

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
cmake -S /source -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DTPX_TESTS=OFF -DTPX_RECORDED_BTF=ON -DTPX_DEBIAN_SUFFIX=+deb13
ninja -C /build -j "$(nproc)"
rm -rf /packed
cpack --config /build/CPackConfig.cmake -G DEB -B /packed
cp /packed/*.deb /output/
BUILD
SCRIPT
