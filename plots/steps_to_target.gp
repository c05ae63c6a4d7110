# Steps to the target against the global batch, both logarithmic to base 2.
# Columns: 1 line, 2 series, 3 global_batch, 6 missed, 7 diverged, 8 9 10 steps median, low, high
name = 'steps_to_target'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

stats table using 1 nooutput
n = int(STATS_max)
array label[n]
stats table using (label[int($1)] = strcol(2), $3) nooutput
b_min = STATS_min; b_max = STATS_max
stats table using 9:10 nooutput
s_min = STATS_min_x; s_max = STATS_max_y

# Perfect scaling starts where the fewest steps do at the smallest batch that reached the target.
b_0 = 1e300; s_0 = 1e300
stats table using ($8 > 0 && ($3 < b_0 || ($3 == b_0 && $8 < s_0)) ? (b_0 = $3, s_0 = $8, 1) : 0) nooutput
perfect(b) = s_0 * b_0 / b
if (b_0 < 1e299 && perfect(b_max) < s_min) { s_min = perfect(b_max) }

stats table using ($6 + $7) nooutput
lost = STATS_sum > 0
top = 2**(ceil(log(s_max) / log(2)) + (lost ? 1.2 : 0.4))
bottom = 2**floor(log(s_min) / log(2))
dodge(k) = 1.09**(k - (n + 1) / 2.0) # marks of several lines at one batch stand side by side

# Long names need a column of the legend for themselves.
longest = 0
do for [k=1:n] { longest = strlen(label[k]) > longest ? strlen(label[k]) : longest }
entries = n + 1 + 2 * lost
rows = longest > 22 || entries < 3 ? entries : (entries + 1) / 2

height = 470 + 30 * rows
eval canvas(600, height)
set bmargin at screen (92.0 + 30 * rows) / height
set logscale xy 2
set format '%.0f'
set xtics 1, (b_max / b_min > 128 ? 4 : 2)
set ytics 1, (top / bottom > 2**14 ? 4 : 2), (lost ? 2**ceil(log(s_max) / log(2)) : top)
set xrange [b_min / 1.5 : b_max * 1.5]
set yrange [bottom : top]
set xlabel 'global batch (examples per step)' offset 0,0.3
set ylabel 'steps to the target'
set key at screen 0.03,screen (12.0 + 30 * rows) / height left top Left reverse vertical maxrows rows width 2
if (lost) {
    set arrow 1 from graph 0, first top / 2**0.75 to graph 1, first top / 2**0.75 nohead lc rgb '#bbbbbb' dt (2,4)
    set ytics add ("not\nreached" top / 2**0.37)
}
# Hollow marks: triangles missed, diamonds diverged.
plot (x >= b_0 && x <= b_max ? perfect(x) : NaN) with lines lc rgb '#888888' lw 1.8 dt (6,6) title 'perfect scaling', \
     for [k=1:n] keyentry with linespoints lt k title label[k], \
     for [k=1:n] table using ($1 == k ? $3 : NaN):9:(0):($10 - $9) with vectors nohead lt k lw 2 dt 1 notitle, \
     for [k=1:n] table using ($1 == k ? $3 : NaN):8 with linespoints lt k notitle, \
     for [k=1:n] table using ($1 == k && $6 > 0 ? $3 * dodge(k) : NaN):(top / 2**0.37) with points lt k pt 8 ps 1.1 lw 2 notitle, \
     for [k=1:n] table using ($1 == k && $7 > 0 ? $3 * dodge(k) : NaN):(top / 2**0.37) with points lt k pt 12 ps 1.1 lw 2 notitle, \
     keyentry with points pt (lost ? 8 : 0) ps 1.1 lw 2 lc rgb '#444444' title (lost ? 'missed the target' : ''), \
     keyentry with points pt (lost ? 12 : 0) ps 1.1 lw 2 lc rgb '#444444' title (lost ? 'diverged' : '')
