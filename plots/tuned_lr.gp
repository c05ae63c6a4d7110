# Tuned learning rate against the global batch, both logarithmic, with the rule that fits best.
# Columns: 1 line, 2 series, 3 kind (0 measured, 1 rule), 4 global_batch, 5 6 7 lr, low, high, 10 edge
name = 'tuned_lr'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

stats table using 1 nooutput
n = int(STATS_max)
array label[n]
stats table using (label[int($1)] = strcol(2), $4) nooutput
b_min = STATS_min; b_max = STATS_max
low = 1e300; high = 0
see(v) = (low = v < low ? v : low, high = v > high ? v : high, v)
stats table using (see($5), $3 == 0 ? see($6) : 0, $3 == 0 ? see($7) : 0, $1) nooutput
stats table using ($10 > 0) nooutput
edge = STATS_sum > 0

dodge(k) = 1.05**(k - (n + 1) / 2.0) # lines side by side at one batch
# Guides of slope 1 and 1/2 from the lower left corner, as far as they stay inside.
linear(b) = low * b / b_min
root(b) = low * sqrt(b / b_min)
inside(v) = v <= high ? v : NaN

longest = 0
do for [k=1:n] { longest = strlen(label[k]) > longest ? strlen(label[k]) : longest }
entries = n + 2 + edge
rows = longest > 22 ? entries : (entries + 1) / 2

height = 440 + 30 * rows
eval canvas(600, height)
set bmargin at screen (92.0 + 30 * rows) / height
set logscale x 2
set logscale y
set xtics 1, (b_max / b_min > 128 ? 4 : 2) format '%.0f'
eval decades('y', low, high)
set xrange [b_min / 1.5 : b_max * 1.5]
set yrange [low / 1.4 : high * 1.4]
set xlabel 'global batch (examples per step)' offset 0,0.3
set ylabel 'tuned learning rate'
set key at screen 0.03,screen (12.0 + 30 * rows) / height left top Left reverse vertical maxrows rows width 2
plot (x >= b_min && x <= b_max ? inside(linear(x)) : NaN) with lines lc rgb '#999999' lw 1.6 dt (6,5) notitle, \
     (x >= b_min && x <= b_max ? inside(root(x)) : NaN) with lines lc rgb '#999999' lw 1.6 dt (2,4) notitle, \
     for [k=1:n] table using ($1 == k && $3 == 1 ? $4 : NaN):5 with lines lt k notitle, \
     for [k=1:n] table using ($1 == k && $3 == 0 ? $4 * dodge(k) : NaN):6:(0):($7 - $6) with vectors nohead lt k lw 2 dt 1 notitle, \
     for [k=1:n] table using ($1 == k && $3 == 0 ? $4 * dodge(k) : NaN):5 with points lt k notitle, \
     for [k=1:n] table using ($1 == k && $3 == 0 && $10 > 0 ? $4 * dodge(k) : NaN):5 with points pt 7 ps 0.45 lc rgb 'white' notitle, \
     for [k=1:n] keyentry with linespoints lt k title label[k], \
     keyentry with points pt (edge ? 6 : 0) ps 0.9 lw 2 lc rgb '#444444' title (edge ? 'at an edge' : ''), \
     keyentry with lines lc rgb '#999999' lw 1.6 dt (6,5) title 'linear', \
     keyentry with lines lc rgb '#999999' lw 1.6 dt (2,4) title 'square root'
