# $1 is 1 at the first installation, 2 at an upgrade. Whether a new service is enabled is the distribution's preset to say.
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || :
  if [ "$1" = 1 ]; then systemctl preset tracepoint_exporter.service || :; fi
fi
