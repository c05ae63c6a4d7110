# Gradient noise scale against examples seen: a panel a series, a line a global batch, both axes logarithmic.
# Columns: 1 panel, 2 series, 3 line, 4 global_batch, 5 examples, 6 noise_scale, 7 preconditioned_noise_scale, 8 curvature_noise_scale
name = 'noise_scale'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

stats table using 1 nooutput
n = int(STATS_max)
stats table using 3 nooutput
m = int(STATS_max)
array label[n]
array batch[m]
do for [k=1:m] { batch[k] = 0 }
stats table using (label[int($1)] = strcol(2), batch[int($3)] = $4, $5) nooutput
x_min = STATS_min; x_max = STATS_max
stats table using 6 nooutput
y_min = STATS_min; y_max = STATS_max
stats table using (y_min = $7 > 0 && $7 < y_min ? $7 : y_min, y_max = $7 > y_max ? $7 : y_max, $1) nooutput # NaN compares false
stats table using (y_min = $8 > 0 && $8 < y_min ? $8 : y_min, y_max = $8 > y_max ? $8 : y_max, $1) nooutput

cols = n > 1 ? 2 : 1
rows = (n + cols - 1) / cols
panel = cols > 1 ? 280 : 360
extra = 0 # units for titles of two lines
do for [p=1:n] { extra = strstrt(label[p], ', ') ? 22 : extra }
key_rows = m > 6 ? 2 : 1
height = rows * (panel + extra) + 30 + legend_tall(key_rows)
eval canvas(600, height)
set multiplot
set logscale xy
eval decades('x', x_min, x_max)
eval decades('y', y_min, y_max)
set xrange [x_min / pad(x_min, x_max) : x_max * pad(x_min, x_max)]
set yrange [y_min / 1.2 : y_max * 1.2]
unset key
do for [p=1:n] {
    at = (p - 1) % cols; row = (p - 1) / cols
    eval place(at, cols, height - 10.0 - extra - row * (panel + extra), panel - 80.0, height)
    set title wrap(label[p]) offset 0,-0.7 font ',16'
    set ylabel (at == 0 ? 'noise scale (examples)' : '')
    set xlabel (p + cols > n ? 'examples seen' : '') offset 0,0.3
    plot for [k=1:m] table using ($1 == p && $3 == k ? $5 : NaN):6 with linespoints lt ordered_line(k, m) pt 7 ps 0.25, \
         for [k=1:m] table using ($1 == p && $3 == k ? $5 : NaN):7 with lines lt ordered_line(k, m) lw 1.8 dt (7,4), \
         for [k=1:m] table using ($1 == p && $3 == k ? $5 : NaN):8 with points lt ordered_line(k, m) pt 4 ps 0.55
}
eval legend_strip(legend_tall(key_rows), key_rows, height)
set key title 'global batch' left
plot 2 notitle, for [k=1:m] keyentry with lines lt ordered_line(k, m) title sprintf('%d', batch[k])
unset multiplot
