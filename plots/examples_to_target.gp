# Examples to the target against the global batch, both logarithmic: points with bars are measured, lines with bands
# fitted.
# Columns: 1 line, 2 series, 3 curve (0 measured, 1 fit, 2 predicted from the noise scale), 4 global_batch, 5 6 7 examples, low, high
name = 'examples_to_target'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

stats table using 1 nooutput
n = int(STATS_max)
array label[n]
stats table using (label[int($1)] = strcol(2), $4) nooutput
b_min = STATS_min; b_max = STATS_max
stats table using ($3 == 0 ? $6 : $5) nooutput
e_min = STATS_min
stats table using ($3 == 0 ? $7 : $5) nooutput
e_max = STATS_max

# Long names need a column of the legend for themselves.
longest = 0
do for [k=1:n] { longest = strlen(label[k]) > longest ? strlen(label[k]) : longest }
stats table using ($3 == 2) nooutput
predicted = STATS_sum > 0
entries = n + predicted
rows = longest > 22 || entries < 3 ? entries : (entries + 1) / 2

height = 440 + 30 * rows
eval canvas(600, height)
set bmargin at screen (92.0 + 30 * rows) / height
set logscale x 2
set logscale y
set xtics 1, (b_max / b_min > 128 ? 4 : 2) format '%.0f'
eval decades('y', e_min, e_max)
set xrange [b_min / 1.5 : b_max * 1.5]
set yrange [e_min / pad(e_min, e_max) : e_max * pad(e_min, e_max)]
set xlabel 'global batch (examples per step)' offset 0,0.3
set ylabel 'examples to the target'
set key at screen 0.03,screen (12.0 + 30 * rows) / height left top Left reverse vertical maxrows rows width 2
plot for [k=1:n] table using ($1 == k && $3 == 1 ? $4 : NaN):6:7 with filledcurves lt k fs transparent solid 0.13 noborder notitle, \
     for [k=1:n] keyentry with linespoints lt k title label[k], \
     for [k=1:n] table using ($1 == k && $3 == 1 ? $4 : NaN):5 with lines lt k notitle, \
     for [k=1:n] table using ($1 == k && $3 == 2 ? $4 : NaN):5 with lines lt k lw 1.8 dt (2,5) notitle, \
     for [k=1:n] table using ($1 == k && $3 == 0 ? $4 : NaN):6:(0):($7 - $6) with vectors nohead lt k lw 2 dt 1 notitle, \
     for [k=1:n] table using ($1 == k && $3 == 0 ? $4 : NaN):5 with points lt k notitle, \
     keyentry with lines lc rgb (predicted ? '#444444' : 'white') lw 1.8 dt (2,5) title (predicted ? 'by noise scale' : '')
