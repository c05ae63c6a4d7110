#!/bin/sh
# smoke: at most 2 ranks x 1 threads; made by `batchlab submit --target local`
stopped=''
trap 'stopped=yes' INT TERM USR1
carry_out() {
  while :; do
    timeout --signal=USR1 --kill-after=120 --preserve-status 7080 \
      /opt/batchlab/bin/batchlab run experiments/smoke.json --results results --config bb47b6d4b57403d93e73235599341036a825f378a0013f40a50e2e56a87091ad "$@"
    code=$?
    [ "$code" -eq 85 ] && [ -z "$stopped" ] || return "$code"
  done
}
carry_out "$@"
