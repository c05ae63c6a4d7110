#!/bin/sh
# How often does `check` catch a planted regression, and how often does it fail unchanged code?
#
#     tests/tools/gate_power.sh FOLDER [REPETITIONS [SEEDS]]
#
# Copies the tree to FOLDER/tree, plants one regression after the other in the sources, builds each (one file and a link), and
# lets every program run `check gate_power.json` REPETITIONS (20) times with SEEDS (5) seeds that nobody has used before,
# against a reference of 4 SEEDS seeds that the unchanged program made. In the copy the classes of the blobs lie one behind the
# other, as images lie in folders, because the order of well mixed data is nothing to lose.
#
# A row a regression and cell: the true slowdown (over all seeds of all repetitions, against those of the unchanged code), the
# verdicts, the slowdown that the gate says it sees (median), and how many checks caught it. Exit code 1 when more than a tenth of
# the checks of unchanged code fail, or a slowdown larger than stated is caught less often than stated (beyond chance at 5 %).
# Two minutes with the default numbers, one worker; not part of the test suite, which has tests/golden/gate_power.sh.
set -u
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=$(cd "$(dirname "$0")/../.." && pwd)
if [ $# -lt 1 ]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
  exit 2
fi
mkdir -p "$1" && work=$(cd "$1" && pwd) || exit 74
repetitions=${2:-20}
seeds=${3:-5}

# name|file|what sed does to it
plants='unchanged||
learning rate x0.85|lab/train/loop.c|s/optim_step(trainer->optim, trainer->row.lr,/optim_step(trainer->optim, 0.85 * trainer->row.lr,/
learning rate x0.7|lab/train/loop.c|s/optim_step(trainer->optim, trainer->row.lr,/optim_step(trainer->optim, 0.7 * trainer->row.lr,/
momentum 0.9 -> 0.8|optim/momentum.c|s/\[KEEP\] = settings->momentum;/[KEEP] = 8 * settings->momentum \/ 9;/
shuffling off|lab/data/sampler.c|s/i = n - 1; i > 0; i--/i = n - 1; i > n; i--/
loss scaled 2 %|lab/nn/loss.c|s/p\[labels\[i\]\] -= on;/&\n        for (int j = 0; j < n_classes; j++)\n            p[j] *= 1.02F;/;s/return vec_tree_sum(row_loss, n);/return 1.02 * vec_tree_sum(row_loss, n);/'

fail() {
  echo "gate_power: $*" >&2
  exit 1
}

edit() { # file, sed script: it must change something
  cp "$1" "$1.before"
  sed "$2" "$1.before" >"$1" || fail "sed: $2"
  cmp -s "$1" "$1.before" && fail "the plant does not fit $1 any more: $2"
}

build() { # program to make
  ninja -C build batchlab >build.log 2>&1 || { tail -20 build.log; fail "it does not build"; }
  cp build/batchlab "$1"
}

# ---- a program for each plant
rm -rf "$work/tree"
mkdir -p "$work/tree" "$work/programs"
(cd "$root" && git ls-files -z | xargs -0 tar cf - --) | tar xmf - -C "$work/tree" || fail "no copy of the tree"
cd "$work/tree" || exit 1
sed -i 's|(int32_t)(i % set->classes)|(int32_t)(i * set->classes / out->n[split])|' lab/data/blobs.c
grep -q 'i \* set->classes / out' lab/data/blobs.c || fail "blobs are not sorted by class"
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release >build.log 2>&1 || fail "cmake: $work/tree/build.log"
number=0
printf '%s\n' "$plants" | while IFS='|' read -r name file script; do
  [ -z "$file" ] || edit "$file" "$script"
  build "$work/programs/$number" || exit 1
  [ -z "$file" ] || mv "$file.before" "$file"
  [ -z "$file" ] || touch "$file"
  number=$((number + 1))
  echo "built: $name" >&2
done || exit 1

# ---- checks
cd "$work" || exit 1
rm -rf results rows.tsv
cp "$root/tests/tools/gate_power.json" .
programs/0 check gate_power.json --update --reference reference.json "seeds=$((4 * seeds))" >/dev/null 2>err || fail "$(cat err)"
number=0
printf '%s\n' "$plants" | while IFS='|' read -r name _; do
  repetition=0
  while [ $repetition -lt "$repetitions" ]; do
    first=$((10000 * (number + 1) + repetition * seeds))
    programs/$number check gate_power.json "seeds=$first..$((first + seeds - 1))" --reference reference.json --json >out 2>err
    code=$?
    [ $code -eq 0 ] || [ $code -eq 3 ] || fail "check ends with exit code $code: $(cat err)"
    awk -v name="$name" -v code=$code -v repetition=$repetition '
      { value = $0; sub(/^[^:]*: /, "", value); gsub(/[",]/, "", value) }
      /"series"/ { series = value } /"global_batch"/ { batch = value } /"verdict"/ { verdict = value }
      /"slowdown":/ { slowdown = value } /"detectable"/ { detectable = value } /"missed"/ { missed = value }
      /"sentence"/ { printf "%s\t%s, B = %s\t%d\t%d\t%s\t%s\t%s\t%s\n", name, series, batch, repetition, code, verdict, slowdown, detectable, missed }
      ' out >>rows.tsv
    repetition=$((repetition + 1))
  done
  number=$((number + 1))
done || exit 1

# ---- the table
awk -F '\t' -v repetitions="$repetitions" -v seeds="$seeds" '
  function median(list, n,   i, j, keep) {
    for (i = 2; i <= n; i++)
      for (j = i; j > 1 && list[j] < list[j - 1]; j--) { keep = list[j]; list[j] = list[j - 1]; list[j - 1] = keep }
    return n ? (list[int((n + 1) / 2)] + list[int(n / 2) + 1]) / 2 : "nan"
  }
  # smallest count of `n` that happens with more than 5 % when each has chance 0.8
  function least(n,   k, p, sum) {
    p = 0.2 ^ n
    for (k = 0; k <= n; k++) {
      sum += p
      if (sum > 0.05) return k
      p *= (n - k) / (k + 1) * 4
    }
  }
  { key = $1 "\t" $2
    if (!(key in rows)) { order[++n_keys] = key; plant[key] = $1; cell[key] = $2 }
    rows[key]++; count[key, $5]++; lost[key] += $8
    if ($6 != "null") { x = log(1 + $6); sum[key] += x; squares[key] += x * x; n[key]++; stated[key, n[key]] = $7 }
    if ($4 == 3 && !(($1, $3) in failed)) { failed[$1, $3] = 1; n_failed[$1]++ }
  }
  END {
    printf "%d repetitions of %d fresh seeds against %d\n\n", repetitions, seeds, 4 * seeds
    print "| planted | cell | true slowdown | missed | same | slower | faster | missed | unknown | seen with 80 % | caught |"
    print "|---|---|---|---|---|---|---|---|---|---|---|"
    for (k = 1; k <= n_keys; k++) {
      key = order[k]; base = "unchanged\t" cell[key]
      for (i = 1; i <= n[key]; i++) list[i] = stated[key, i]
      see = median(list, n[key])
      caught = count[key, "slower"] + count[key, "missed"] + count[key, "faster"]
      truth = "-"; low = -1
      if (n[key] > 1 && n[key] > rows[key] / 2) {
        mean = sum[key] / n[key] - sum[base] / n[base]
        error = sqrt((squares[key] / n[key] - (sum[key] / n[key]) ^ 2) / n[key] + (squares[base] / n[base] - (sum[base] / n[base]) ^ 2) / n[base])
        truth = key == base ? "0" : sprintf("%+.1f +- %.1f %%", 100 * (exp(mean) - 1), 100 * error)
        low = exp(mean - 2 * error) - 1
      }
      for (base_see in list) delete list[base_see]
      for (i = 1; i <= n[base]; i++) list[i] = stated[base, i]
      if (see == "nan") see = median(list, n[base])
      printf "| %s | %s | %s | %d of %d | %d | %d | %d | %d | %d | %.0f %% | %d of %d |\n", plant[key], cell[key], truth, lost[key], \
        rows[key] * seeds, count[key, "same"], count[key, "slower"], count[key, "faster"], count[key, "missed"], count[key, "unknown"], \
        100 * see, caught, rows[key]
      if (low > see && caught < least(rows[key])) { bad = 1; print "caught too rarely: " key > "/dev/stderr" }
      if (lost[key] > rows[key] * seeds / 2 && caught < least(rows[key])) { bad = 1; print "lost and not caught: " key > "/dev/stderr" }
    }
    print ""
    for (k = 1; k <= n_keys; k++)
      if (!(plant[order[k]] in said)) {
        said[plant[order[k]]] = 1
        printf "%s: %d of %d checks fail\n", plant[order[k]], n_failed[plant[order[k]]], repetitions
      }
    if (n_failed["unchanged"] > repetitions / 10) { bad = 1; print "too many false alarms" > "/dev/stderr" }
    exit bad
  }' rows.tsv
