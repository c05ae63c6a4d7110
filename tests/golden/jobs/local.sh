#!/bin/sh
# smoke: at most 2 ranks x 1 threads; made by `batchlab submit --target local`
stopped=''
trap 'stopped=yes' INT TERM USR1
carry_out() {
  while :; do
    timeout --signal=USR1 --kill-after=120 --preserve-status 7080 \
      /opt/batchlab/bin/batchlab run experiments/smoke.json --results results --config 57f7de086d9a48c9146d801eb1b1da77bb8e0442ba942ea8f8959b6200b3ab7f "$@"
    code=$?
    [ "$code" -eq 85 ] && [ -z "$stopped" ] || return "$code"
  done
}
carry_out "$@"
