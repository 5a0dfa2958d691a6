# $1 is 0 at the removal, 1 at an upgrade.
if [ "$1" = 0 ] && [ -d /run/systemd/system ]; then
  systemctl disable --now tracepoint_exporter.service || :
fi
# What it left counting.
if [ "$1" = 0 ] && [ -d /sys/fs/bpf/tracepoint_exporter ]; then
  tracepoint_exporter unpin /sys/fs/bpf/tracepoint_exporter >/dev/null || :
  rmdir /sys/fs/bpf/tracepoint_exporter || :
fi
