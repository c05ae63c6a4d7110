# Gain of a noise-following scaling rule against k = global_batch / base_batch, both in powers of two.
# Columns: 1 line, 2 series, 3 global_batch, 4 k, 5 6 7 gain with range
name = 'lr_gain'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

stats table using 1 nooutput
n = int(STATS_max)
array label[n]
stats table using (label[int($1)] = strcol(2), $4) nooutput
k_min = STATS_min; k_max = STATS_max

rows = n + 1
height = 365 + legend_tall(rows)
eval canvas(600, height)
set multiplot
unset key
set logscale xy 2
set xtics 1, (k_max / k_min > 32 ? 4 : 2) format '%.0f'
set ytics 1, (k_max / k_min > 32 ? 4 : 2) format '%.0f'
set xrange [k_min / 1.3 : k_max * 1.3]
set yrange [0.8 : k_max * 1.3]
set xlabel 'k = global batch / base batch' offset 0,0.3
set ylabel 'gain of the learning rate'
eval place(0, 1, height - 6.0, 262, height)
plot x with lines lc rgb '#666666' lw 1.6 dt (6,5), \
     for [k=1:n] table using ($1 == k ? $4 : NaN):6:(0):($7 - $6) with vectors nohead lt k lw 2 dt 1, \
     for [k=1:n] table using ($1 == k ? $4 : NaN):5 with linespoints lt k
eval legend_strip(legend_tall(rows) - 10, rows, height)
set key width 1 samplen 2.2 maxcols 1
plot 2 notitle, keyentry with lines lc rgb '#666666' lw 1.6 dt (6,5) title 'linear scaling', \
     for [k=1:n] keyentry with linespoints lt k title label[k]
unset multiplot
