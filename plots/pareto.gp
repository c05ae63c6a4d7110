# Examples against steps to the target, both logarithmic: points are global batches, lines the fitted hyperbola.
# Columns: 1 line, 2 series, 3 kind (0 measured, 1 fit, 2 critical batch), 4 steps, 5 examples, 6 global_batch
name = 'pareto'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

stats table using 1 nooutput
n = int(STATS_max)
array label[n]
crosses = 0
stats table using (label[int($1)] = strcol(2), crosses = crosses + ($3 == 2), $1) nooutput # lines that never got there too
stats table using 4 nooutput
s_min = STATS_min; s_max = STATS_max
stats table using 5 nooutput
e_min = STATS_min; e_max = STATS_max

longest = 0
do for [k=1:n] { longest = strlen(label[k]) > longest ? strlen(label[k]) : longest }
entries = n + (crosses > 0)
rows = longest > 22 || entries < 3 ? entries : (entries + 1) / 2

height = 440 + 30 * rows
eval canvas(600, height)
set bmargin at screen (92.0 + 30 * rows) / height
set logscale xy
eval decades('x', s_min, s_max)
if (s_max / s_min < 300) { do for [e=0:7] { set xtics add (short(2*10.0**e) 2*10.0**e, short(5*10.0**e) 5*10.0**e) } } # one wide panel
eval decades('y', e_min, e_max)
set xrange [s_min / 1.2 / pad(s_min, s_max) : s_max * 1.2 * pad(s_min, s_max)]
set yrange [e_min / pad(e_min, e_max) : e_max * pad(e_min, e_max)]
set xlabel 'steps to the target' offset 0,0.3
set ylabel 'examples to the target'
set key at screen 0.03,screen (12.0 + 30 * rows) / height left top Left reverse vertical maxrows rows width 2
plot for [k=1:n] keyentry with linespoints lt k title label[k], \
     for [k=1:n] table using ($1 == k && $3 == 1 ? $4 : NaN):5 with lines lt k notitle, \
     for [k=1:n] table using ($1 == k && $3 == 0 ? $4 : NaN):5 with points lt k notitle, \
     for [k=1:n] table using ($1 == k && $3 == 2 ? $4 : NaN):5 with points lt k pt 2 ps 1.5 lw 3 notitle, \
     keyentry with points pt (crosses ? 2 : 0) ps 1.3 lw 3 lc rgb '#444444' title (crosses ? 'critical batch' : '')
