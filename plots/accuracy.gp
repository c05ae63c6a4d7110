# Error against the global batch, both logarithmic: best on the validation split (left), on the test split then (right).
# Columns: 1 line, 2 series, 3 global_batch, 4 5 6 best_valid with range, 8 9 10 test with range, 11 target
name = 'accuracy'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

error(accuracy) = accuracy < 1 ? 100 * (1 - accuracy) : accuracy == 1 ? 0.01 : NaN # an axis has no place for none
stats table using 1 nooutput
n = int(STATS_max)
array label[n]
stats table using (label[int($1)] = strcol(2), $3) nooutput
b_min = STATS_min; b_max = STATS_max
low = 1e300; high = -1e300; goal = NaN
see(v) = (low = v < low ? v : low, high = v > high ? v : high, v)
stats table using (see(error($5)), see(error($6)), see(error($9)), see(error($10)), goal = $11 == $11 ? error($11) : goal, $1) nooutput
if (goal == goal) { low = goal < low ? goal : low; high = goal > high ? goal : high }

longest = 0
do for [k=1:n] { longest = strlen(label[k]) > longest ? strlen(label[k]) : longest }
rows = longest > 16 ? n : (n + 2) / 3

height = 365 + legend_tall(rows)
eval canvas(600, height)
set multiplot
unset key
set logscale x 2
set logscale y
set xtics 1, (b_max / b_min > 32 ? 8 : b_max / b_min > 8 ? 4 : 2) format '%.0f'
set xrange [b_min / 1.6 : b_max * 1.6]
eval decades('y', low, high)
set yrange [low / pad(low, high) : high * pad(low, high)]
set xlabel 'global batch' offset 0,0.3
do for [c=1:2] {
    eval place(c - 1, 2, height - 6.0, 262, height)
    set title (c == 1 ? 'validation error, best, %' : 'test error then, %') offset 0,-0.7 font ',15' tc rgb '#444444'
    v = c == 1 ? 4 : 8
    plot (c == 1 ? goal : NaN) with lines lc rgb '#666666' lw 1.6 dt (6,5), \
         for [k=1:n] table using ($1 == k ? $3 : NaN):(error(column(v + 1))):(0):(error(column(v + 2)) - error(column(v + 1))) \
             with vectors nohead lt k lw 2 dt 1, \
         for [k=1:n] table using ($1 == k ? $3 : NaN):(error(column(v))) with linespoints lt k
}
eval legend_strip(legend_tall(rows) - 10, rows, height)
set key width 1 samplen 2.2
if (longest > 16) { set key maxcols 1 }
plot 2 notitle, for [k=1:n] keyentry with linespoints lt k title label[k]
unset multiplot
