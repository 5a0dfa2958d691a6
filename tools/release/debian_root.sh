#!/bin/bash
# A minimal root of a Debian suite: debian_root.sh SUITE DIRECTORY. Made by debootstrap once, and kept. Needs root.
set -euo pipefail
suite=$1
root=$2
[[ ! -e $root/etc/complete ]] || exit 0
rm -rf "$root"
mkdir -p "$root"
debootstrap --variant=minbase "$suite" "$root" "${TPX_MIRROR:-http://deb.debian.org/debian}" >"$root.log"
cp /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # packages start nothing here
chmod 755 "$root/usr/sbin/policy-rc.d"
: >"$root/etc/complete"
