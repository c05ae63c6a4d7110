#!/bin/sh
# `batchlab import`: runs written by the logger of notebooks/howto/import_runs.md come back as a fit with the known
# critical batch, a report, a comparison and a check; bad files give one message each and leave nothing.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID BATCHLAB_DATA
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
n_bad=0

wrong() {
  echo "WRONG: $1"
  n_bad=$((n_bad + 1))
}

# The logger, as the page shows it.
awk '/^```python$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/notebooks/howto/import_runs.md" >logger.py
grep -q 'class BatchlabLog' logger.py || wrong "the page has no logger"
[ "$(grep -vc '^ *$' logger.py)" -le 10 ] || wrong "the logger is longer than ten lines"

# Runs that follow E(B) = 8000 (1 + B / 400) examples to 90 %, evaluated every 1 % of that; the last one diverges.
cat >write.py <<'PY'
import random, sys
sys.path.insert(0, ".")
from logger import BatchlabLog
random.seed(3)
path, slow = sys.argv[1], float(sys.argv[2])
for batch in (25, 50, 100, 200, 400, 800, 1600):
    for seed in range(5):
        log = BatchlabLog(path, global_batch=batch, seed=seed, optimizer="sgd", model="net", dataset="toys",
                          settings={"lr": 0.1}, n_train=50000, mini_batch=batch // 25)
        need = 8000 * slow * (1 + batch / 400) * random.gauss(1, 0.03) / batch
        step, every = 0, max(1, round(need / 100))
        while step < need * 1.1:
            step += every
            log.row(step, loss=2 / (1 + step / need), accuracy=min(1, 0.9 * step / need), lr=0.1, grad_sqnorm=2.0,
                    shard_sqnorm=26.0)
log = BatchlabLog(path, global_batch=3200, seed=0, optimizer="sgd", model="net", dataset="toys", settings={"lr": 0.1})
log.row(1, loss=2.0, accuracy=0.1)
log.row(2, loss=float("nan"), accuracy=0.1)
PY
python=$(command -v python3) || { echo "there is no python3"; exit 77; }
"$python" write.py runs.jsonl 1 && "$python" write.py later.jsonl 1.3 || wrong "the logger does not run"

"$binary" import runs.jsonl --metric valid_accuracy --target 0.9 >out 2>err || wrong "import: exit code $?: $(cat err)"
[ "$(cat out)" = results/runs ] || wrong "import prints '$(cat out)'"
grep -q '^36 runs imported' err || wrong "not 36 runs: $(cat err)"
"$binary" report results/runs >out 2>err || wrong "report: exit code $?: $(cat err)"
awk -F '\t' '$2 == "hyperbola fit" { found = $3 > 370 && $3 < 440 && $4 < $3 && $5 > $3 } END { exit !found }' \
  results/runs/tables/critical_batch.tsv || { wrong "the critical batch is not 400" && cat results/runs/tables/critical_batch.tsv; }
# tr = b S / (S - 1) (26 - 2) and |G|^2 = 2 - (1 - B / N) tr / B at B = 100: 100, 1.002
awk -F '\t' '$3 == 100 { found = $21 > 99 && $21 < 101 } END { exit !found }' results/runs/tables/cells.tsv ||
  wrong "the noise scale of B = 100 is not 99.8"
grep -q 'diverged in 1 of 1 seed' results/runs/report.html || wrong "the diverged run is not told"
[ -s results/runs/runs.h5 ] || wrong "there is no HDF5 file"

# again: the same runs, not twice as many; another file: compared
"$binary" import runs.jsonl --metric valid_accuracy --target 0.9 >out 2>err || wrong "import again: $(cat err)"
[ "$("$binary" export results/runs | wc -l)" -eq 37 ] || wrong "importing twice doubles the runs"
"$binary" import later.jsonl --name later --metric valid_accuracy --target 0.9 >out 2>err || wrong "later: $(cat err)"
"$binary" compare results/runs results/later >out 2>err || wrong "compare: exit code $?: $(cat err)"
[ "$(grep -c '; slower: [23]' out)" -eq 7 ] || { wrong "30 % more examples are not slower at 7 batches" && cat out; }

# the gate: against a reference of its own, judged as they are
"$binary" check results/runs --reference ref/runs.json --update >out 2>err || wrong "check --update: $(cat err)"
grep -q '"examples_between_evaluations": [1-9]' ref/runs.json || wrong "the reference does not say how coarse it is"
"$binary" check results/runs --reference ref/runs.json >out 2>err || wrong "unchanged runs fail the check: $(cat out)"
grep -q '8 cells: 7 same, 1 unknown.*imported from runs.jsonl' out || wrong "the check of unchanged runs: $(tail -n 1 out)"
"$binary" check results/later --reference ref/runs.json --json >out 2>err
[ $? -eq 3 ] && [ "$(grep -c '"verdict": "slower"' out)" -eq 7 ] || wrong "30 % more examples pass the check: $(cat out)"
refused() { # message, hint, words
  message=$1 && hint=$2 && shift 2
  "$binary" "$@" >out 2>err
  [ $? -eq 2 ] && grep -v '^  hint' err | grep -qF "$message" && grep '^  hint' err | grep -qF -- "$hint" ||
    wrong "$*: $(cat err)"
}
refused 'no reference of their own' '--reference FILE' check results/runs
refused "'seeds=3' sets nothing" 'imported lines' check results/runs --reference ref/runs.json seeds=3
"$binary" import runs.jsonl --name aimless >out 2>err || wrong "import without a target: $(cat err)"
refused 'has no target' '--metric and --target' check results/aimless --reference ref/runs.json
mkdir -p results/ours && echo '{"experiment": "ours"}' >results/ours/experiment.json
refused 'no folder of imported runs' 'batchlab compare' check results/ours --reference ref/runs.json

bad() { # message, hint, line
  printf '%s\n' '{"global_batch": 8, "step": 1, "loss": 1}' "$3" >bad.jsonl
  "$binary" import bad.jsonl --name bad >out 2>err
  code=$?
  [ "$code" -eq 2 ] || wrong "$3: exit code $code"
  grep -v '^  hint' err | grep -qF -- "$1" || { wrong "$3: no '$1'" && cat err; }
  grep '^  hint' err | grep -qF -- "$2" || { wrong "$3: no hint '$2'" && cat err; }
  [ ! -e results/bad ] || { wrong "$3: it left results/bad" && rm -rf results/bad; }
}
bad "line 2: there is no key 'acuracy'" "did you mean 'accuracy'" '{"global_batch": 8, "step": 2, "acuracy": 0.1}'
bad "line 2: there is no key 'temperature'" '"settings"' '{"global_batch": 8, "step": 2, "temperature": 0.1}'
bad 'line 2 lacks global_batch' 'every line' '{"step": 2, "loss": 0.1}'
bad 'line 2 lacks step or examples' 'every line' '{"global_batch": 8, "loss": 0.1}'
bad 'line 2: global_batch must be a whole number above 0' 'plainly' '{"global_batch": 7.5, "step": 2}'
bad 'line 2: step must be a whole number' 'plainly' '{"global_batch": 8, "step": "two"}'
bad 'line 2: accuracy must be a fraction' '0.975' '{"global_batch": 8, "step": 2, "accuracy": 97.5}'
bad 'line 2: step 1 comes after step 1' 'different seeds' '{"global_batch": 8, "step": 1, "loss": 0.5}'
bad "line 2: optimizer must be a name" 'lower case' '{"global_batch": 8, "step": 2, "optimizer": "../x"}'
bad 'line 2: settings must be an object' 'momentum' '{"global_batch": 8, "step": 2, "settings": 3}'
bad 'line 2 is no JSON object' 'one object a line' '[1, 2]'
bad 'mini_batch 3 does not divide global_batch 8' 'equal mini-batches' '{"global_batch": 8, "step": 2, "seed": 1, "mini_batch": 3}'
# With seconds and weights `advise` serves them: a step of 10 ms + B / 10 ms on one replica, 5 ms more between two.
"$python" - <<'PY'
import json
with open("timed.jsonl", "w") as out, open("untimed.jsonl", "w") as plain:
    for batch in (50, 100, 200, 400, 800):
        for seed, replicas in ((0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 2)):
            need = 8000 * (1 + batch / 400) * (1 + 0.02 * (seed % 5 - 2)) / batch
            step_s = 0.010 + 1e-4 * batch / replicas + 0.005 * (replicas - 1)
            for k in range(1, 23):
                step = round(need * k / 20)
                row = {"global_batch": batch, "seed": seed, "step": step, "accuracy": min(1, 0.045 * k), "replicas": replicas}
                plain.write(json.dumps({**row, "n_weights": 1000000}) + "\n")
                out.write(json.dumps({**row, "seconds": 3 + step * step_s, "n_weights": 1000000}) + "\n")
PY
"$binary" import timed.jsonl --metric valid_accuracy --target 0.9 >out 2>err || wrong "import of times: $(cat err)"
"$binary" advise results/timed --cluster ethernet_10g --json >advice 2>err || wrong "advise: $(cat err)"
"$python" - <<'PY' || wrong "advise does not know a step of the imported runs"
import json
advice = json.load(open("advice"))
cheap, fast = advice["cheapest"], advice["fastest"]
assert cheap["replicas"] == 1, cheap
assert abs(cheap["step_s"] / (0.010 + 1e-4 * cheap["global_batch"]) - 1) < 0.02, cheap
share = fast["global_batch"] / fast["replicas"]
assert fast["replicas"] > 2 and abs(fast["passes_s"] / (0.010 + 1e-4 * share) - 1) < 0.02 and fast["sum_s"] > 0, fast
PY
"$binary" advise results/timed --json >advice 2>err || wrong "advise for the runs' own machine: $(cat err)"
"$python" - <<'PY' || wrong "what two replicas need more is not taken for communication"
import json
fast = json.load(open("advice"))["fastest"]
assert fast["replicas"] == 2 and abs(fast["sum_s"] / 0.010 - 1) < 0.02, fast
PY
"$binary" import untimed.jsonl --metric valid_accuracy --target 0.9 >out 2>err || wrong "import without times: $(cat err)"
"$binary" advise results/untimed --cluster ethernet_10g >out 2>err
[ $? -eq 66 ] && grep -q 'hint: import the runs with "seconds"' err || { wrong "advise without times" && cat err; }
"$binary" advise results/runs --cluster ethernet_10g >out 2>err
[ $? -eq 66 ] && grep -q 'hint: import the runs with "n_weights"' err || { wrong "advise without weights" && cat err; }

# There and back: runs of our own, exported as lines and imported again, are the same study.
"$binary" run "$root/experiments/smoke.json" >out 2>err || wrong "smoke: $(cat err)"
"$binary" export results/smoke --jsonl lines >out 2>err || wrong "export --jsonl: $(cat err)"
[ "$(cat out)" = lines ] || wrong "export --jsonl prints '$(cat out)'"
cat lines/*.jsonl >again.jsonl
"$binary" import again.jsonl --metric valid_accuracy --target "$(sed -n 's/.*"target": *\([0-9.]*\).*/\1/p' "$root/experiments/smoke.json")" \
  >out 2>err || wrong "import of our own lines: $(cat err)"
for name in smoke again; do
  "$binary" export results/$name --json >$name.json 2>err || wrong "export $name: $(cat err)"
done
"$python" - <<'PY' || wrong "the study changed on its way through JSON lines"
import json
def study(name):
    keys = "optimizer model global_batch seed outcome steps_to_target examples_to_target final_valid_loss best_valid_accuracy".split()
    return sorted(str([run[key] for key in keys]) for run in json.load(open(name)) if run["mode"] == "full")
assert len(study("smoke.json")) >= 4 and study("smoke.json") == study("again.json"), (study("smoke.json"), study("again.json"))
PY

printf '{"global_batch": 8, "step": 1' >bad.jsonl
"$binary" import bad.jsonl >out 2>err
[ $? -eq 2 ] && grep -q "'bad.jsonl' line 1" err || { wrong "broken JSON" && cat err; }
"$binary" import absent.jsonl >out 2>err
[ $? -eq 66 ] || wrong "an absent file"
"$binary" import runs.jsonl --name ours >out 2>err
[ $? -eq 2 ] && grep -q 'an experiment of batchlab' err || wrong "it writes into a folder of our own"
"$binary" import runs.jsonl --name x --metric valid_acuracy --target 0.9 >out 2>err
[ $? -eq 2 ] && grep -q "did you mean 'valid_accuracy'" err || wrong "an unknown metric"

[ "$n_bad" -eq 0 ] || exit 1
echo "36 runs of a foreign logger: fit, report, HDF5, compare, check, advise; our own there and back; 20 bad inputs"
