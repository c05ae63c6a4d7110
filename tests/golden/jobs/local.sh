#!/bin/sh
# smoke: at most 2 ranks x 1 threads; made by `batchlab submit --target local`
stopped=''
trap 'stopped=yes' INT TERM USR1
carry_out() {
  while :; do
    timeout --signal=USR1 --kill-after=120 --preserve-status 7080 \
      /opt/batchlab/bin/batchlab run experiments/smoke.json --results results --config 922e18e8f8345e1a719ac8f75d889de72ad3319678319620acfe309ca7074a58 "$@"
    code=$?
    [ "$code" -eq 85 ] && [ -z "$stopped" ] || return "$code"
  done
}
carry_out "$@"
