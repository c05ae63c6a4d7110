#!/bin/sh
# The page as a browser lays it out, by headless Chromium: nothing wider than a phone or a screen, no text of a figure off
# its canvas or on another text, and nothing asked of the network.
binary=${BATCHLAB_BINARY:?} root=${BATCHLAB_ROOT:?}
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "skipped: no chromium (Debian: chromium)"; exit 77; }
command -v gnuplot >/dev/null || { echo "skipped: no gnuplot, so no figures"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
wrong() { echo "wrong: $*"; failed=1; }

# A small searched study, with points that miss and diverge.
cat >tuned.json <<'JSON'
{
  "experiment": "tuned",
  "question": "Does a page of a searched study fit a phone?",
  "trial": {
    "dataset": {"name": "glyphs", "train": 500, "valid": 100, "test": 50},
    "model": {"name": "softmax"}, "global_batch": 16, "optimizer": {"name": "momentum"},
    "lr": {"schedule": {"name": "constant"}},
    "stop": {"metric": "valid_accuracy", "target": 0.8, "epochs": 8},
    "eval": {"every_examples": 250}
  },
  "sweep": {"global_batch": [16, 64, 256], "optimizer": [{"name": "momentum"}, {"name": "lars"}]},
  "search": {"trials": 6, "rerun_seeds": 2, "space": {"lr.base": {"min": 1e-3, "max": 1e3, "scale": "log"}}}
}
JSON
"$binary" run tuned.json >out 2>err || { echo "run: $(cat err)"; exit 1; }
folder=results/tuned

# The page in a frame of $1 pixels, with its figures once more as drawings that a script can look into.
measure() {
  {
    sed 's|</body>.*||' "$folder/report.html"
    echo '<div class="drawings" style="position:fixed;top:0;left:0">'
    for figure in "$folder"/figures/*.svg; do
      printf '<div class="drawn" style="width:600px" data-name="%s">\n' "$(basename "$figure" .svg)"
      sed -n '/<svg/,$p' "$figure"
      echo '</div>'
    done
    echo '</div><script>'
    cat "$root/tests/peer/page_measure.js"
    echo '</script></body></html>'
  } >inner.html
  cat >outer.html <<HTML
<iframe src="inner.html" width="$1" height="3000" style="border:0"></iframe><pre>nothing measured</pre>
<script>onmessage = e => { document.querySelector('pre').textContent = e.data; }</script>
HTML
  "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" --window-size=1400,3000 \
    --virtual-time-budget=10000 --dump-dom "file://$work/outer.html" 2>/dev/null | sed 's/<[^>]*>//g' >"measured.$1"
  grep -q "^MEASURED $1\$" "measured.$1" || wrong "the page was not measured at $1 px: $(cat "measured.$1")"
  grep '^WRONG' "measured.$1" && wrong "at $1 px"
}
measure 390
measure 1280

# What would make a browser ask: sources, links and styles that are not inside.
grep -oE '(src|href|srcset|action|poster)="[^"]*"|url\([^)]*\)|@import[^;]*' "$folder/report.html" |
  grep -vE '^src="data:image/svg\+xml;base64,' && wrong "the page asks for something"
for figure in "$folder"/figures/*.svg; do
  grep -oE '(href|src)="[^#"][^"]*"|url\([^#)][^)]*\)' "$figure" && wrong "$figure asks for something"
done

# Does it see what is wrong? A wide line in the page, and a text on another in a figure.
cp -r "$folder" spoilt
folder=spoilt
sed -i 's|<h2>Figures</h2>|<div style="width:2000px">wide</div>&|' spoilt/report.html
sed -i '0,/<text[^>]*>/s||<text x="9000" y="0">far</text>&|' spoilt/figures/curves.svg
(measure 390) >spotted
grep -q "px wide on a screen" spotted || { wrong "a line of 2000 px is not seen" && cat spotted; }
grep -q 'leaves the canvas' spotted || { wrong "a text off its canvas is not seen" && cat spotted; }
exit $failed
