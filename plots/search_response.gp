# Response of a search: a panel a series and axis, a colour a global batch; on top, a row a batch for what got nowhere.
# Columns: 1 panel, 2 title, 3 kind (0 point, 1 tic), 4 batch rank, 5 global_batch, 6 place along the axis (0 to 1),
# 7 value or tic's label, 8 response, 9 end (0 there, 1 missed, 2 diverged, 3 pruned, 4 failed), 10 winner, 11 name of 8, 12 axes
name = 'search_response'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

stats table using 1 nooutput
n = int(STATS_max)
stats table using 4 nooutput
m = int(STATS_max)
array label[n]
array axes_of[n]
array batch[m]
do for [k=1:m] { batch[k] = 0 }
what = ''
stats table using (label[int($1)] = strcol(2), axes_of[int($1)] = $12, what = strcol(11), $1) nooutput
stats table using (k = $3 == 0 ? int($4) : 0, k > 0 ? (batch[k] = $5, 1) : 0) nooutput
low = 1e300; high = 0; lost = 0
stats table using ($3 == 0 && $8 > 0 ? (low = $8 < low ? $8 : low, high = $8 > high ? $8 : high, 1) : 0) nooutput
stats table using ($3 == 0 && $9 > 0 ? (lost = 1) : 0) nooutput
if (high == 0) { low = 1; high = 10 }
if (high < 1.5 * low) { low = low / 1.25; high = high * 1.25 }

# The rows of what got nowhere: row k of m, above everything that got somewhere.
strip = lost ? 0.12 + 0.05 * m : 0.06
row(k) = high * (high / low)**(0.1 + 0.05 * (k - 0.5))
top = high * (high / low)**strip
bottom = low / (high / low)**0.05

columns_ = n > 4 ? 2 : 1
rows = (n + columns_ - 1) / columns_
tall = columns_ == 1 ? 330 : 316
key_rows = (m + 3 + 5) / 6 + 1
height = rows * tall + (columns_ == 1 ? 30 : 40) + legend_tall(key_rows)
eval canvas(600, height)
# Colours as numbers, so that one pass over the table draws all batches; marks of missed, diverged, pruned, failed.
array shade[m]
do for [k=1:m] { shade[k] = int('0x'.word(ordered, ordered_line(k, m) - 10)[2:7]) }
array end_mark[4] = [8, 2, 4, 3]

set multiplot
unset key
set logscale y
do for [p=1:n] {
    r = (p - 1) / columns_
    eval place((p - 1) % columns_, columns_, height - (columns_ == 1 ? 30.0 : 46.0) - r * tall, tall - (columns_ == 1 ? 86.0 : 106.0), height)
    set title wrap(label[p]) offset 0,-0.7 font ',15' tc rgb '#444444'
    set ylabel (columns_ == 1 ? what : '') offset 0.5,0
    set xrange [-0.03 : 1.03]
    set yrange [bottom : top]
    set xtics ()
    stats table using ($1 == p && $3 == 1 ? (tic = $6, tag = strcol(7), 1) : 0) nooutput
    tags = ''
    stats table using ($1 == p && $3 == 1 ? (tags = tags.sprintf(" '%s' %.6f,", strcol(7), $6), 1) : 0) nooutput
    if (strlen(tags) > 1) { eval 'set xtics ('.tags[1:strlen(tags)-1].')' }
    set ytics ()
    do for [e=int(floor(log10(low))):int(ceil(log10(high)))] {
        do for [d in (high / low > 300 ? '1' : '1 2 5')] {
            v = d * 10.0**e
            if (v >= bottom && v <= high * 1.001) { set ytics add (short(v) v) }
        }
    }
    set object 1 rectangle from -0.03, bottom to 0.1, top fc rgb '#eeeeee' fs solid noborder behind
    set object 2 rectangle from 0.9, bottom to 1.03, top fc rgb '#eeeeee' fs solid noborder behind
    if (lost) { set arrow 1 from graph 0, first high * (high / low)**0.07 to graph 1, first high * (high / low)**0.07 nohead lc rgb '#aaaaaa' dt (2,4) }
    joined = axes_of[p] == 1 ? m : 0 # along one axis
    plot for [k=1:joined] table using ($1 == p && $3 == 0 && $4 == k && $8 > 0 ? $6 : NaN):8 with lines lt ordered_line(k, m) lw 1.6, \
         table using ($1 == p && $3 == 0 && $8 > 0 ? $6 : NaN):8:(shade[int($4)]) with points pt 7 ps 0.45 lc rgb variable, \
         table using ($1 == p && $3 == 0 && $10 > 0 ? $6 : NaN):8:(shade[int($4)]) with points pt 6 ps 1.15 lw 2.2 lc rgb variable, \
         for [e=1:4] table using ($1 == p && $3 == 0 && $9 == e ? $6 : NaN):(row($4)):(shade[int($4)]) with points pt end_mark[e] ps 0.55 lw 1.6 lc rgb variable
    unset object 1
    unset object 2
}
eval legend_strip(legend_tall(key_rows), key_rows, height)
set key title what.', by global batch' left
plot 2 notitle, for [k=1:m] keyentry with linespoints lt ordered_line(k, m) pt 7 ps 0.45 title sprintf('%d', batch[k]), \
     keyentry with points pt 6 ps 1.15 lw 2.2 lc rgb '#444444' title 'winner', \
     keyentry with points pt 2 ps 0.6 lw 1.8 lc rgb '#444444' title 'diverged', \
     keyentry with points pt 8 ps 0.7 lw 1.5 lc rgb '#444444' title 'missed', \
     keyentry with points pt 4 ps 0.6 lw 1.5 lc rgb '#444444' title 'pruned'
unset multiplot
