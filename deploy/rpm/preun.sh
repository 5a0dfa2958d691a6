# $1 is 0 at the removal, 1 at an upgrade.
if [ "$1" = 0 ] && [ -d /run/systemd/system ]; then
  systemctl disable --now tracepoint_exporter.service || :
fi
