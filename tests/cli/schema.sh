#!/bin/sh
# experiments/schema.json is what the program makes of its settings rows, and it judges experiments as the program does: the
# committed ones pass, and small mistakes in one of them are caught by both.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

"$binary" list --schema >"$work/schema.json" || { echo "FAILED: list --schema"; exit 1; }
diff -u "$root/experiments/schema.json" "$work/schema.json" || {
  echo "FAILED: the settings changed; batchlab list --schema >experiments/schema.json"
  exit 1
}

python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || { echo "python3 is not installed: validation is skipped"; exit 0; }
"$python" -c 'import jsonschema' 2>/dev/null || { echo "python3-jsonschema is not installed: validation is skipped"; exit 0; }

# Prints "PASS file" or "FAIL file" for each file.
cat >"$work/validate.py" <<'PYTHON'
import json, sys
from jsonschema import Draft7Validator
schema = json.load(open(sys.argv[1]))
Draft7Validator.check_schema(schema)
validator = Draft7Validator(schema)
for name in sys.argv[2:]:
    first = next(validator.iter_errors(json.load(open(name))), None)
    print("PASS" if first is None else "FAIL", name, "" if first is None else first.message[:200])
PYTHON
validate() { "$python" -B "$work/validate.py" "$work/schema.json" "$@"; }

set -- "$root"/experiments/[!s]*.json "$root"/experiments/s[!c]*.json # all but the schema
validate "$@" >"$work/verdicts" || exit 1
! grep '^FAIL' "$work/verdicts" || { echo "FAILED: a committed experiment does not fit the schema"; exit 1; }
echo "$# experiments pass"

cat >"$work/good.json" <<'JSON'
{
"$schema": "schema.json",
"experiment": "good",
"question": "Do the schema and the program agree?",
"trial": {
"dataset": {"name": "blobs", "train": 200},
"model": {"name": "mlp", "hidden": [4]},
"global_batch": 32,
"mini_batch": 8,
"optimizer": {"name": "momentum", "momentum": 0.9},
"lr": {"base": 0.05, "scaling": "none", "warmup": {"epochs": 1}, "schedule": {"name": "polynomial"}},
"stop": {"metric": "valid_accuracy", "target": 0.5, "epochs": 1},
"eval": {"every_examples": 100},
"isa": "any"
},
"sweep": {"stop.target": [0.5, 0.6], "zip": [{"lr.schedule": ["cosine", {"name": "polynomial"}], "lr.base_batch": [32, 64]}]},
"search": {"trials": 4, "space": {"lr.base": {"min": 0.01, "max": 1, "scale": "log"}, "loss.smooth": {"values": ["all", "others"]}}, "spaces": {"lamb": {"lr.base": null}}, "goal": {"metric": "valid_loss"}, "prune": {"rule": "halving", "rungs": [0.6]}},
"seeds": [1, "18446744073709551615"],
"layouts": {"replicas": [1, 2], "threads": 1, "mode": "full", "steps": 5, "collective": "tree"}
}
JSON
# The same mistakes, one a file.
n=0
while IFS= read -r edit; do
  n=$((n + 1))
  sed "$edit" "$work/good.json" >"$work/case-$n.json"
  ! cmp -s "$work/good.json" "$work/case-$n.json" || { echo "FAILED: '$edit' changes nothing"; exit 1; }
done <<'EDITS'
s/"question"/"qestion"/
s/"base": 0.05/"bsae": 0.05/
s/"base": 0.05/"base": -1/
s/"base": 0.05/"base": "0.05"/
s/"momentum", "momentum"/"lamb", "momentum"/
s/"momentum": 0.9/"momentum": 1.5/
s/"hidden": \[4\]/"hidden": [0]/
s/"blobs"/"blob"/
s/"name": "blobs", //
s/"scaling": "none"/"scaling": "cubic"/
s/{"epochs": 1}/{"epochs": 1, "steps": 2}/
s/{"epochs": 1}/{}/
s/, "epochs": 1}/}/
s/, "epochs": 1}/, "epochs": 0}/
s/"metric": "valid_accuracy", //
s/"isa": "any"/"isa": "mmx"/
s/"global_batch": 32,/"global_batch": 0,/
s/"mini_batch": 8/"mini_batch": "big"/
s/\[0.5, 0.6\]/[]/
s/\[0.5, 0.6\]/[0.5, "high"]/
s/\[0.5, 0.6\]/0.5/
s/"lr.base_batch"/"lr.bsae_batch"/
s/"search": {/"search": {"trails": 3, /
s/"search": {/"search": {"algorithm": "halten", /
s/"trials": 4/"trials": 0/
s/"space": {"lr.base"/"space": {"lr.bsae"/
s/"space": {"lr.base"/"space": {"global_batch"/
s/"scale": "log"/"scale": "lin"/
s/"min": 0.01, //
s/\["all", "others"\]/[]/
s/\["all", "others"\]/["all", "all"]/
s/"lamb": {/"lamp": {/
s/"halving"/"halve"/
s/\[0.6\]/[-1]/
s/, "rungs": \[0.6\]//
s/"valid_loss"/"valid_los"/
s/"space": /"spice": /;s/, "spaces": {"lamb": {"lr.base": null}}//
s/\[32, 64\]/[32, -1]/
s/"cosine"/"cosin"/
s/"zip": \[{/"zip": [{"zip": [1], /
s/\[1, "18446744073709551615"\]/0/
s/\[1, "18446744073709551615"\]/[1, 1]/
s/"replicas": \[1, 2\]/"replicas": []/
s/"replicas": \[1, 2\]/"replicas": [1, 1]/
s/"replicas": \[1, 2\]/"replicas": 0/
s/"collective": "tree"/"collective": "bush"/
s/"experiment": "good"/"experiment": "..\/good"/
EDITS
validate "$work/good.json" "$work"/case-*.json >"$work/verdicts" || exit 1
while read -r verdict file reason; do
  want=FAIL
  [ "$file" != "$work/good.json" ] || want=PASS
  own=FAIL
  ! "$binary" plan "$file" --results "$work/results" >"$work/out" 2>&1 || own=PASS
  [ "$own $verdict" = "$want $want" ] && continue
  echo "FAILED: the schema says $verdict $reason, the program says $own: $(head -n 3 "$work/out")"
  diff "$work/good.json" "$file"
  exit 1
done <"$work/verdicts"
[ "$(wc -l <"$work/verdicts")" -eq $((n + 1)) ] || { echo "FAILED: not every file was judged"; exit 1; }
echo "the schema and the program agree on $n mistakes"
