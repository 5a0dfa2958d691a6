#!/bin/sh
# The first process of a test machine: runs the exporter and workloads, says what came out on the serial line, and switches
# the machine off. One line a check: "result: NAME ok|BAD|skip DETAIL". busybox is all that there is.
export PATH=/bin:/sbin
calls=20000
processes=8
children=400

/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tracefs none /sys/kernel/tracing
mount -t bpf none /sys/fs/bpf
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
hostname guest

result() { echo "result: $*"; }

# same NAME GOT DUE: a number that must come out exactly.
same() {
  if [ "$2" = "$3" ]; then result "$1" ok "$2"; else result "$1" BAD "$2 of $3"; fi
}

# value METRIC: the sum over its samples in the last scrape.
value() { awk -v name="$1" '{ n = $1; sub(/\{.*/, "", n); if (n == name) sum += $2 } END { printf "%d\n", sum }' /tmp/page; }

# lost METRIC REASON: what the exporter itself says that it lost.
lost() {
  awk -v m="metric=\"$1\"" -v r="reason=\"$2\"" '/_events_lost_total/ && index($0, m) && index($0, r) { s += $2 } END { printf "%d\n", s }' /tmp/page
}

scrape() { wget -q -O /tmp/page http://127.0.0.1:9999/metrics; }

# start OPTIONS: the exporter, until it answers.
start() {
  # shellcheck disable=SC2086
  tracepoint_exporter serve $1 --web.listen-address=127.0.0.1:9999 >/tmp/exporter.log 2>&1 &
  exporter=$!
  until wget -q -O /dev/null http://127.0.0.1:9999/-/ready; do
    kill -0 "$exporter" || { cat /tmp/exporter.log; return 1; }
    sleep 0.2
  done 2>/dev/null
}

# stop NAME: by SIGTERM; how long it took and whether it ended well.
stop() {
  begin=$(cut -d' ' -f1 /proc/uptime)
  kill -TERM "$exporter"
  wait "$exporter"
  code=$?
  took=$(awk -v a="$begin" '{ printf "%.1f s", $1 - a }' /proc/uptime)
  if [ "$code" = 0 ]; then result "$1" ok "$took"; else result "$1" BAD "exit code $code after $took"; fi
}

# together COUNT WORKLOAD ARGUMENT…: so many of them at once, and waits for their reports.
together() {
  number=$1
  shift
  rm -f /tmp/go /tmp/end /tmp/out.*
  for i in $(seq "$number"); do
    # shellcheck disable=SC2094
    { while [ ! -e /tmp/go ]; do sleep 0.1; done; echo; while [ ! -e /tmp/end ]; do sleep 0.1; done; } |
      "/workloads/$1" "$2" >"/tmp/out.$i" &
  done
  until [ "$(cat /tmp/out.* 2>/dev/null | grep -c ready)" = "$number" ]; do sleep 0.1; done
  : >/tmp/go
  until [ "$(cat /tmp/out.* | grep -c count)" = "$number" ]; do sleep 0.1; done
  scrape
  : >/tmp/end
}

known_numbers() {
  start --config.file=/vm/known.yaml || { result "start" BAD "$(tail -n 1 /tmp/exporter.log)"; return; }
  scrape
  up=$(awk '/^tracepoint_exporter_metric_up/ && $NF == 1 { n++ } END { print n + 0 }' /tmp/page)
  same "metrics up" "$up" "$(grep -c 'name:' /vm/known.yaml)"
  together "$processes" getppid_calls "$calls"
  due=$((processes * calls))
  same "sys_enter_X" "$(value calls_total)" "$due"
  same "sys_enter" "$(value raw_calls_total)" "$due"
  same "sys_exit" "$(value returns_total)" "$due"
  same "series and other" "$(value full_total)" "$due"
  same "full, not busy" "$(lost full_total other_busy)" 0
  together 4 fork_children "$children"
  same "fork" "$(value forks_total)" "$((4 * children))"
  same "exit" "$(value exits_total)" "$((4 * children))"
  for metric in calls_total raw_calls_total returns_total full_total forks_total exits_total; do
    echo "misses: $metric $(lost $metric recursion)"
  done
  stop "clean exit"
}

default_configuration() {
  begin=$(cut -d' ' -f1 /proc/uptime)
  start "" || { result "default: start" BAD "$(tail -n 1 /tmp/exporter.log)"; return; }
  took=$(awk -v a="$begin" '{ printf "%.1f s", $1 - a }' /proc/uptime)
  scrape
  down=$(grep '^tracepoint_exporter_metric_up' /tmp/page | awk '$NF == 0' | sed 's/.*metric="//; s/".*//' | tr '\n' ' ')
  result "default: start" "ok" "$took"
  if [ -z "$down" ]; then result "default: up" ok "all"; else result "default: up" "info" "down: $down"; fi
  stop "default: exit"
}

kernel_tests() {
  for test in "perf counts the same*" "perf sees*" "system calls are counted the same*" "events of tasks that compete*"; do
    if /bin/kernel_tests --list-test-names-only "$test" | grep -q .; then
      if /bin/kernel_tests "$test" >/tmp/tests.log 2>&1; then
        result "$test" ok "$(tail -n 2 /tmp/tests.log | head -n 1)"
      else
        grep -A12 FAILED /tmp/tests.log | head -n 60
        result "$test" BAD "$(grep -E '^(test cases|assertions)' /tmp/tests.log | tr '\n' ' ')"
      fi
    fi
  done
}

# A measurement: what the end of many classic programs takes.
detach() {
  if /bin/kernel_tests "[detach]" >/tmp/tests.log 2>&1; then
    result "many classic programs" ok "$(grep '^detached' /tmp/tests.log)"
  else
    result "many classic programs" BAD "$(grep -A3 FAILED /tmp/tests.log | tr '\n' ' ')"
  fi
}

echo "machine: $(uname -r) $(uname -v), $(grep -c ^processor /proc/cpuinfo) CPUs"
tracepoint_exporter check --verbose >/tmp/check.log 2>&1
sed 's/^/check: /' /tmp/check.log | head -n 80
# shellcheck disable=SC2013
for part in $(sed 's/.*vm.parts=//; s/ .*//; s/,/ /g' /proc/cmdline); do
  "$part"
done
bad=$(dmesg | grep -cE 'WARNING:|BUG:|Oops|Call Trace|rcu: INFO')
dmesg | grep -A30 -E 'WARNING:|BUG:|Oops|rcu: INFO' | head -n 60
same "kernel warnings" "$bad" 0
echo "finished"
poweroff -f
