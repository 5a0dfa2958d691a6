# $1 is 0 after the removal, 1 after an upgrade.
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || :
  if [ "$1" = 1 ]; then systemctl try-restart tracepoint_exporter.service || :; fi
fi
