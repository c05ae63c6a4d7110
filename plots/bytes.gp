# Validation error against bytes that a worker has sent, both logarithmic: a line a method, its end marked.
# Columns: 1 line, 2 series, 6 worker_bytes, 7 valid_accuracy
name = 'bytes'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

error(accuracy) = accuracy < 1 ? 100 * (1 - accuracy) : accuracy == 1 ? 0.01 : NaN # an axis has no place for none
stats table using 1 nooutput
n = int(STATS_max)
array label[n]
array last_x[n]
array last_y[n]
stats table using (label[int($1)] = strcol(2), last_x[int($1)] = $6, last_y[int($1)] = error($7), error($7)) nooutput
y_min = STATS_min; y_max = STATS_max
stats table using ($6 > 0 ? $6 : NaN) nooutput
x_min = STATS_min; x_max = STATS_max

# Four more lines in black and grey.
set linetype 19 lc rgb '#000000' lw 2.4 dt (2,3) pt 2 ps 0.9
set linetype 20 lc rgb '#9a9a9a' lw 2.4 dt (12,3) pt 3 ps 0.9
set linetype 21 lc rgb '#000000' lw 2.4 dt (20,6) pt 1 ps 0.9
set linetype 22 lc rgb '#9a9a9a' lw 2.4 dt (2,2) pt 8 ps 0.9
of(k) = k > 8 ? 10 + k : k

longest = 0
do for [k=1:n] { longest = strlen(label[k]) > longest ? strlen(label[k]) : longest }
rows = longest > 22 ? n : (n + 1) / 2
height = 440 + 30 * rows
eval canvas(600, height)
set bmargin at screen (92.0 + 30 * rows) / height
set logscale xy
bytes(x) = x >= 1e9 ? sprintf('%g GB', x / 1e9) : x >= 1e6 ? sprintf('%g MB', x / 1e6) : x >= 1e3 ? sprintf('%g kB', x / 1e3) : sprintf('%g B', x)
set xtics ()
do for [e=0:14] { set xtics add (bytes(10.0**e) 10.0**e) }
eval decades('y', y_min, y_max)
set xrange [x_min / pad(x_min, x_max) : x_max * pad(x_min, x_max)]
set yrange [y_min / pad(y_min, y_max) : y_max * pad(y_min, y_max)]
set xlabel 'sent by a worker so far' offset 0,0.3
set ylabel 'validation error, %'
set key at screen 0.03,screen (12.0 + 30 * rows) / height left top Left reverse vertical maxrows rows width 1 font ',15'
plot for [k=1:n] keyentry with linespoints lt of(k) title label[k], \
     for [k=1:n] table using ($1 == k && $6 > 0 ? $6 : NaN):(error($7)) with lines lt of(k) notitle, \
     for [k=1:n] '+' using (last_x[k]):(last_y[k]) every ::0::0 with points lt of(k) ps 1.4 notitle
