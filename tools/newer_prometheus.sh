#!/usr/bin/env bash
# newer_prometheus.sh DIRECTORY: unpacks the Prometheus of Debian's testing suite there and prints the program's path.
# The apt view is a private one: own sources, state and cache; the host's apt and packages stay as they are.
set -euo pipefail

suite=${TPX_PROMETHEUS_SUITE:-forky}
directory=$1
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
program=$directory/root/usr/bin/prometheus
if [[ -x $program ]]; then
  printf '%s\n' "$program"
  exit 0
fi

# The mirror and the keyring that this host takes Debian from.
# shellcheck disable=SC2016  # apt's own variable
mirror=$(apt-get indextargets --format '$(SITE)/' 'Origin: Debian' 2>/dev/null | grep -v -- security | head -n 1) || true
# shellcheck disable=SC2016  # apt's own variable
mirror=${mirror:-http://deb.debian.org/debian/}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

apt=$directory/apt
mkdir -p "$apt"/state/lists/partial "$apt"/cache/archives/partial "$apt"/empty
: >"$apt/status"
printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" >"$apt/sources.list"
view=(
  -q -o Dir::State="$apt/state" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache"
  -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts="$apt/empty" -o Dir::Etc::preferencesparts="$apt/empty"
  -o Dir::Etc::preferences=/dev/null -o APT::Sandbox::User=root -o Acquire::Languages=none
)
apt-get "${view[@]}" update >&2
(cd "$apt" && apt-get "${view[@]}" download prometheus >&2)
rm -rf "$directory/root"
dpkg-deb -x "$apt"/prometheus_*.deb "$directory/root.part"
mv "$directory/root.part" "$directory/root"
rm -rf "$apt"
printf '%s\n' "$program"
