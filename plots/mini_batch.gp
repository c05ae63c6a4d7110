# Error against the mini-batch, a line a global batch, both logarithmic: best on the validation split (left); examples to the
# target where one was reached, else the error on the test split then (right).
# Columns: 1 line, 2 series, 4 mini_batch, 5 6 7 best_valid with range, 8 9 10 test with range, 11 12 13 examples with range
name = 'mini_batch'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

error(accuracy) = accuracy < 1 ? 100 * (1 - accuracy) : accuracy == 1 ? 0.01 : NaN # an axis has no place for none
stats table using 1 nooutput
n = int(STATS_max)
array label[n]
stats table using (label[int($1)] = strcol(2), $4) nooutput
b_min = STATS_min; b_max = STATS_max
none = 1e300
low = none; high = -none; least = none; most = -none
see(v) = (low = v < low ? v : low, high = v > high ? v : high, v)
see_examples(v) = (least = v < least ? v : least, most = v > most ? v : most, v)
stats table using (see(error($6)), see(error($7)), $1) nooutput
stats table using (see_examples($11), see_examples($12), see_examples($13), $1) nooutput
has_target = least < none
if (!has_target) { stats table using (see(error($9)), see(error($10)), $1) nooutput }

longest = 0
do for [k=1:n] { longest = strlen(label[k]) > longest ? strlen(label[k]) : longest }
rows = longest > 16 ? n : (n + 2) / 3

height = 365 + legend_tall(rows)
eval canvas(600, height)
set multiplot
unset key
set logscale x 2
set logscale y
set xtics 1, (b_max / b_min > 200 ? 8 : b_max / b_min > 40 ? 4 : 2) format '%.0f'
set xrange [b_min / 1.6 : b_max * 1.6]
set xlabel 'mini-batch' offset 0,0.3
do for [c=1:2] {
    eval place(c - 1, 2, height - 6.0, 262, height)
    counts = c == 2 && has_target
    of(v) = counts ? v : error(v)
    from = counts ? least : low; to = counts ? most : high
    eval decades('y', from, to)
    set yrange [from / pad(from, to) : to * pad(from, to)]
    set title (c == 1 ? 'validation error, best, %' : has_target ? 'examples to the target' : 'test error then, %') offset 0,-0.7 font ',15' tc rgb '#444444'
    v = c == 1 ? 5 : has_target ? 11 : 8
    plot for [k=1:n] table using ($1 == k ? $4 : NaN):(of(column(v + 1))):(0):(of(column(v + 2)) - of(column(v + 1))) \
             with vectors nohead lt k lw 2 dt 1, \
         for [k=1:n] table using ($1 == k ? $4 : NaN):(of(column(v))) with linespoints lt k
}
eval legend_strip(legend_tall(rows) - 10, rows, height)
set key width 1 samplen 2.2
if (longest > 16) { set key maxcols 1 }
plot 2 notitle, for [k=1:n] keyentry with linespoints lt k title label[k]
unset multiplot
