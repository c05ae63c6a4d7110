#!/bin/sh
# Sourced by tests that kill: `ours` prints the processes, ranks included, in whatever group or session they are, whose command
# line has what stands in the file $work/pattern (the results folder, which every process of ours is told); `kill_all` kills them
# again and again until none is left, because mpirun may be about to start one.
# shellcheck disable=SC2154 # work is the caller's
ours() {
  grep -laF -f "$work/pattern" /proc/[0-9]*/cmdline 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|'
}
kill_all() {
  while pids=$(ours) && [ -n "$pids" ]; do
    # shellcheck disable=SC2086 # a list
    kill -KILL $pids 2>/dev/null
    sleep 0.05
  done
}
