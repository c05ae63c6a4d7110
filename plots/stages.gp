# Milliseconds of a step by stage, stacked: a panel a global batch with its own scale, a bar a layout.
# Columns: 1 panel, 2 bar, 3 layout, 5 global_batch, 9 oversubscribed, 10..15 sample compute reduce noise update other
name = 'stages'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

stats table using 1 nooutput
n = int(STATS_max)
array batch[n]
array top[n] # tallest bar of a panel, ms
array bars[n]
array layout[64 * n]
do for [p=1:n] { top[p] = 0; bars[p] = 0 }
all(c) = column(10) + column(11) + column(12) + column(13) + column(14) + column(15)
stats table using ($1 > 0 ? (batch[int($1)] = $5, bars[int($1)] = $2 > bars[int($1)] ? $2 : bars[int($1)], \
                   top[int($1)] = all(0) > top[int($1)] ? all(0) : top[int($1)], layout[64 * int($1 - 1) + int($2)] = strcol(3), 1) : NaN) nooutput

stage = 'sample compute reduce noise update other'
color = '#56b4e9 #0072b2 #d55e00 #e69f00 #009e73 #b0b0b0'
pale = '#c6e4f7 #a6cce5 #f2c4a3 #f6dfae #a8dccc #e2e2e2'

cols = n > 1 ? 2 : 1
rows = (n + cols - 1) / cols
panel = cols > 1 ? 272 : 340
key_rows = 2
height = rows * panel + 20 + legend_tall(key_rows)
eval canvas(600, height)
set multiplot
unset key
set grid noxtics
set style fill solid 1 noborder
set boxwidth 0.62
stack(c) = 1e3 * sum [i=10:c] column(i)
do for [p=1:n] {
    at = (p - 1) % cols; row = (p - 1) / cols
    eval place(at, cols, height - 8.0 - row * panel, panel - 80.0, height)
    set title sprintf('B = %d, ms per step', batch[p]) offset 0,-0.7 font ',16'
    set xrange [0.4 : bars[p] + 0.6]
    set yrange [0 : 1.05e3 * top[p]]
    set xtics () scale 0
    do for [b=1:bars[p]] { set xtics add (layout[64 * (p - 1) + b] b) }
    set ytics 0, nice(1e3 * top[p], 4)
    # Bars from the back: the sum up to stage c, then the sum up to the one before it over it, ...
    plot for [c=15:10:-1] table using ($1 == p && $9 == 0 ? $2 : NaN):(stack(c)) with boxes lc rgb word(color, c - 9), \
         for [c=15:10:-1] table using ($1 == p && $9 == 1 ? $2 : NaN):(stack(c)) with boxes lc rgb word(pale, c - 9)
}
eval legend_strip(legend_tall(key_rows), key_rows, height)
set key samplen 0.9
plot 2 notitle, for [i=1:6] keyentry with boxes fs solid 1 lc rgb word(color, i) title word(stage, i)
unset multiplot
