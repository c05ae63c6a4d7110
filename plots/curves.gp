# Validation loss (left) and accuracy (right) against examples seen: a row a series, a line a global batch.
# Columns: 1 panel, 2 series, 3 line, 4 global_batch, 7 examples, 8 valid_loss, 9 valid_accuracy, 10 11 targets
name = 'curves'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

stats table using 1 nooutput
n = int(STATS_max)
stats table using 3 nooutput
m = int(STATS_max)
array label[n]
array batch[m]
do for [k=1:m] { batch[k] = 0 }
stats table using (label[int($1)] = strcol(2), batch[int($3)] = $4, $7) nooutput
x_min = STATS_min; x_max = STATS_max

# Range of a column over all panels, NaN when it holds no number; its target is inside.
array low[2]
array high[2]
array target[2]
do for [c=1:2] {
    lo = 1e300; hi = -1e300; goal = NaN
    stats table using (v = column(7 + c), lo = v < lo ? v : lo, hi = v > hi ? v : hi, \
                       t = column(9 + c), goal = t == t ? t : goal, $1) nooutput
    low[c] = lo; high[c] = hi; target[c] = goal
}

tall = n > 1 ? 300 : 340
key_rows = m > 6 ? 2 : 1
height = n * tall + 30 + legend_tall(key_rows)
eval canvas(600, height)
set multiplot
unset key
set logscale x
do for [p=1:n] {
    do for [c=1:2] {
        if (low[c] <= high[c]) {
            eval place(c - 1, 2, height - 34.0 - (p - 1) * tall, tall - 102.0, height)
            eval decades('x', x_min, x_max)
            set xrange [x_min / pad(x_min, x_max) : x_max * pad(x_min, x_max)]
            if (c == 1 && low[1] > 0) {
                set logscale y
                eval decades('y', low[1], high[1])
                set yrange [low[1] / 1.1 : high[1] * 1.1]
            }
            if (c == 2 || low[c] <= 0) {
                span = high[c] > low[c] ? high[c] - low[c] : 0.1
                unset logscale y
                set ytics 0, nice(span, 5)
                set yrange [low[c] - 0.04 * span : high[c] + 0.06 * span]
            }
            set title (c == 1 ? 'validation loss' : 'validation accuracy') offset 0,-0.7 font ',15' tc rgb '#444444'
            set label 1 (c == 1 ? label[p] : '') at screen 0.145, screen (height - 20.0 - (p - 1) * tall) / height font ',17'
            set xlabel (p == n ? 'examples seen' : '') offset 0,0.3
            plot target[c] with lines lc rgb '#666666' lw 1.6 dt (6,5), \
                 for [k=1:m] table using ($1 == p && $3 == k ? $7 : NaN):(column(7 + c)) with linespoints lt ordered_line(k, m) pt 7 ps 0.3
        }
    }
}
eval legend_strip(legend_tall(key_rows), key_rows, height)
set key title 'global batch' left
plot 2 notitle, for [k=1:m] keyentry with lines lt ordered_line(k, m) title sprintf('%d', batch[k])
unset multiplot
