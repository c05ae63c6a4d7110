#!/bin/sh
# The installed program works from wherever its prefix is moved to: it finds experiments and plots beside itself.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
build=${BATCHLAB_BUILD:?run it through ctest}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/elsewhere" && cd "$work/elsewhere" || exit 1

fail() {
  echo "FAILED: $*"
  tail -n 20 "$work/err" | sed 's/^/  stderr: /'
  exit 1
}
cmake --install "$build" --prefix "$work/first" >"$work/out" 2>"$work/err" || fail "cmake --install"
mv "$work/first" "$work/second"
home=$work/second/share/batchlab
for file in plots/style.gp plots/curves.gp experiments/quickstart.json experiments/smoke.json \
  experiments/reference/smoke.json; do
  [ -f "$home/$file" ] || fail "$file is not installed"
done
# Another question: what is used is what is installed.
sed -i 's|"question": "[^"]*"|"question": "Is this the installed one?"|' "$home/experiments/quickstart.json"
"$work/second/bin/batchlab" demo experiment=installed 'trial.stop={"steps": 4}' seeds=1 'sweep={"global_batch": [32]}' \
  'layouts={"mode": "full"}' >"$work/out" 2>"$work/err" </dev/null || fail "demo leaves with $?"
[ "$(tail -n 1 "$work/out")" = results/installed/report.html ] || fail "demo prints $(tail -n 1 "$work/out")"
grep -q 'Is this the installed one?' results/installed/report.html || fail "demo runs another quickstart.json"
if command -v gnuplot >/dev/null; then
  [ -n "$(find results/installed/figures -name '*.svg' 2>/dev/null)" ] || fail "no figure is drawn"
  echo 'exit status 3' >"$home/plots/style.gp"
  "$work/second/bin/batchlab" report results/installed >"$work/out" 2>"$work/err" && fail "other scripts than the installed ones draw"
fi
echo "moved and found"
