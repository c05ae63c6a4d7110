# Examples to several targets against the global batch, both logarithmic: a panel a series, a colour a target.
# Columns: 1 line, 2 series, 3 kind (0 measured, 1 fit), 4 rank, 6 target, 7 global_batch, 9 reached, 13 14 15 examples, low, high
name = 'targets'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

stats table using 1 nooutput
n = int(STATS_max)
stats table using 4 nooutput
m = int(STATS_max)
array label[n]
array goal[m]
stats table using (label[int($1)] = strcol(2), goal[int($4)] = strcol(6), $7) nooutput
b_min = STATS_min; b_max = STATS_max
stats table using ($3 == 0 ? $14 : $13) nooutput
e_min = STATS_min
stats table using ($3 == 0 ? $15 : $13) nooutput
e_max = STATS_max

columns_ = n > 1 ? 2 : 1
rows = (n + columns_ - 1) / columns_
key_rows = m > 4 ? 2 : 1
tall = n > 1 ? 300 : 360
height = rows * tall + 34 + legend_tall(key_rows)
eval canvas(600, height)
set multiplot
unset key
set logscale x 2
set logscale y
do for [p=1:n] {
    row = (p - 1) / columns_
    eval place((p - 1) % columns_, columns_, height - 34.0 - row * tall, tall - 106.0, height)
    set xtics 1, (b_max / b_min > 128 ? 8 : b_max / b_min > 8 ? 4 : 2) format '%.0f'
    eval decades('y', e_min, e_max)
    set xrange [b_min / 1.6 : b_max * 1.6]
    set yrange [e_min / pad(e_min, e_max) : e_max * pad(e_min, e_max)]
    set title wrap(label[p]) offset 0,-0.7 font ',15' tc rgb '#444444'
    set xlabel (p + columns_ > n ? 'global batch' : '') offset 0,0.3
    plot for [k=1:m] table using ($1 == p && $3 == 1 && $4 == k ? $7 : NaN):13 with lines lt ordered_line(k, m), \
         for [k=1:m] table using ($1 == p && $3 == 0 && $4 == k ? $7 : NaN):14:(0):($15 - $14) with vectors nohead lt ordered_line(k, m) lw 2, \
         for [k=1:m] table using ($1 == p && $3 == 0 && $4 == k ? $7 : NaN):13 with points lt ordered_line(k, m)
}
eval legend_strip(legend_tall(key_rows), key_rows, height)
set key title 'examples to' left
plot 2 notitle, for [k=1:m] keyentry with linespoints lt ordered_line(k, m) title goal[k]
unset multiplot
