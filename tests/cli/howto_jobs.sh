#!/bin/sh
# The jobs in notebooks/howto/run_on_a_cluster.md are what their commands make today (BATCHLAB_UPDATE=1 writes them anew).
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
page=$root/notebooks/howto/run_on_a_cluster.md
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$root" || exit 1
fail() {
  echo "FAILED: $*"
  exit 1
}
sed -n 's/^<!-- made by: batchlab \(.*\) -->$/\1/p' "$page" >"$work/commands"
n=0
while read -r command; do
  n=$((n + 1))
  # shellcheck disable=SC2086 # words
  "$binary" $command >"$work/$n" 2>"$work/err" </dev/null || { cat "$work/err" && fail "$command"; }
done <"$work/commands"
[ "$n" -ge 6 ] || fail "only $n commands"
awk -v work="$work" '
  /^<!-- made by: batchlab / { print; job = 1; n++; next }
  job == 1 && /^```/ { print; job = 2; while ((getline line < (work "/" n)) > 0) print line; next }
  job == 2 && /^```/ { print; job = 0; next }
  job != 2 { print }' "$page" >"$work/page"
[ -z "$BATCHLAB_UPDATE" ] || cp "$work/page" "$page"
diff -u "$page" "$work/page" || fail "the page shows other jobs; BATCHLAB_UPDATE=1 when that is meant"
echo "$n jobs as they are shown"
