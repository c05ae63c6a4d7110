# Branched training: loss above the best smaller batch against the batch of a branch; a panel a trunk, a line a point.
# Columns: 1 panel, 2 series, 3 line, 4 at_examples, 5 global_batch, 10 above_best_smaller, 11 tolerance, 12 chosen
name = 'branched'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

stats table using 1 nooutput
n = int(STATS_max)
stats table using 3 nooutput
m = int(STATS_max)
array label[n]
array at[m]
do for [k=1:m] { at[k] = -1 }
stats table using (label[int($1)] = strcol(2), at[int($3)] = $4, $5) nooutput
x_min = STATS_min; x_max = STATS_max
stats table using 11 nooutput
tolerance = STATS_max > 0 ? STATS_max : 0.01
stats table using 10 nooutput
y_min = STATS_min; y_max = STATS_max

# Linear within the tolerance, logarithmic beyond it, on both sides.
bent(y) = asinh(y / tolerance)
low = bent(y_min < -tolerance ? y_min : -tolerance) - 0.3
high = bent(y_max > 3 * tolerance ? y_max : 3 * tolerance) + 0.3
tall = 275
key_rows = m > 4 ? 2 : 1
height = n * tall + 50 + legend_tall(key_rows)
eval canvas(600, height)
set multiplot
unset key
set logscale x 2
set xtics ()
factor = x_max / x_min > 128 ? 4.0 : 2.0
do for [e=0:24] { set xtics add (sprintf('%d', x_min * factor**e) x_min * factor**e) }
set xrange [x_min / pad(x_min, x_max) : x_max * pad(x_min, x_max)]
set yrange [low : high]
set ytics ()
do for [e=0:4] {
    set ytics add (sprintf('%g', tolerance * 10.0**e) bent(tolerance * 10.0**e))
    set ytics add (sprintf('-%g', tolerance * 10.0**e) bent(-tolerance * 10.0**e))
}
set ytics add ('0' 0)
set label 1 'loss above the best smaller batch [nat]' at screen 0.02, screen (height - 14.0) / height font ',15'
do for [p=1:n] {
    eval place(0, 1, height - 44.0 - (p - 1) * tall, tall - 95.0, height)
    set title label[p] offset 0,-0.7 font ',15' tc rgb '#444444'
    set xlabel (p == n ? 'global batch of the branch' : '') offset 0,0.3
    plot bent(tolerance) with lines lc rgb '#666666' lw 1.6 dt (6,5), \
         for [k=1:m] table using ($1 == p && $3 == k ? $5 : NaN):(bent($10)) with linespoints lt ordered_line(k, m), \
         for [k=1:m] table using ($1 == p && $3 == k && $12 == 1 ? $5 : NaN):(bent($10)) with points lt ordered_line(k, m) pt 7 ps 1.5
    unset label 1
}
eval legend_strip(legend_tall(key_rows), key_rows, height)
set key title 'branches leave the trunk after (examples)' left
plot 2 notitle, for [k=1:m] keyentry with linespoints lt ordered_line(k, m) title (at[k] < 0 ? '' : sprintf('%d', at[k]))
unset multiplot
