# The noise scale of each tensor: a group a series, a row a tensor, a colour a global batch, the scale logarithmic.
# Columns: 1 panel, 2 series, 3 global_batch, 4 line (0: not drawn), 5 place (0: the whole gradient), 6 tensor, 7 8 9 scale, low, high
name = 'noise_layers'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

known(v) = v > 0 && v < 1e300
num(c) = valid(c) ? column(c) : NaN # $7 of a missing number would skip its row
most_rows = 8
m = 0; panels = 0; lines = 0; rows = 0; least = 1e300; most = 0; low = 1e300; high = 0
stats table using (drawn = $4 > 0 && $5 <= most_rows, m = m + drawn, panels = $1 > panels ? $1 : panels, lines = $4 > lines ? $4 : lines, \
                   rows = drawn && $5 > rows ? $5 : rows, a = num(7), b = num(8), c = num(9), \
                   drawn && known(a) ? (least = a < least ? a : least, most = a > most ? a : most, 1) : 0, \
                   drawn && known(b) ? (low = b < low ? b : low, 1) : 0, drawn && known(c) ? (high = c > high ? c : high, 1) : 0, 1) nooutput
# Axis: everything that is known, but no bound further than a factor of 8 from every estimate.
if (most <= 0) { least = 1; most = 10 }
low = low < least / 8 ? least / 8 : low > least ? least : low
high = high > most * 8 ? most * 8 : high < most ? most : high
left = low / 1.8; right = high * 1.8

array series[panels]
array batch[lines]
array panel[m]
array line[m]
array place[m]
array what[m]
array at[m]
array from[m]
array to[m]
i = 0
stats table using ($4 > 0 && $5 <= most_rows ? (i = i + 1, series[int($1)] = strcol(2), batch[int($4)] = $3, panel[i] = int($1), line[i] = int($4), \
                   place[i] = int($5), what[i] = strcol(6), at[i] = num(7), from[i] = num(8), to[i] = num(9), 1) : 0) nooutput

gap = 0.30 # between the batches of a tensor
unit = lines > 1 ? 33.0 : 25.0
per = rows + 2.2 # rows of a panel: its name, the whole gradient, tensors
tall = unit * (panels * per) + 14
height = tall + 90 + legend_tall(1)
eval canvas(600, height)
set multiplot
set lmargin at screen 0.37
set rmargin at screen 0.955
set tmargin at screen (height - 10.0) / height
set bmargin at screen (height - 10.0 - tall) / height
set logscale x
eval decades('x', left, right)
set xrange [left : right]
set yrange [panels * per + 0.3 : 0]
unset ytics
unset grid
set grid xtics lt 1 lc rgb '#e4e4e4' lw 1 dt solid
set xlabel 'noise scale (examples)' offset 0,0.3
unset key

y_of(p, k) = (p - 1) * per + 1.7 + k
do for [p=1:panels] { set label 10000 + p fit(series[p], 52) at screen 0.02, first (p - 1) * per + 0.75 left font ',16' tc rgb '#222222' }
do for [i=1:m] {
    y = y_of(panel[i], place[i]) + gap * (line[i] - 0.5 * (lines + 1))
    set label 20000 + 100 * panel[i] + place[i] fit(what[i], 28) at screen 0.36, first y_of(panel[i], place[i]) right font ',13' tc rgb (place[i] ? '#444444' : '#000000')
    k = ordered_line(line[i], lines)
    a = known(from[i]) ? from[i] : left * 1.15
    b = known(to[i]) ? to[i] : right / 1.15
    if (a < left) { a = left * 1.15 }
    if (b > right) { b = right / 1.15 }
    if (known(from[i]) || known(to[i])) {
        set arrow 3 * i from a, y to b, y nohead lc k lw 3 dt 1
        if (!known(from[i])) { set arrow 3 * i + 1 from a, y to left, y size screen 0.012,25 filled lc k lw 1.8 dt 1 }
        if (!known(to[i])) { set arrow 3 * i + 2 from b, y to right, y size screen 0.012,25 filled lc k lw 1.8 dt 1 }
    }
    if (known(at[i])) { set label 40000 + i '' at at[i], y point lt k ps 0.9 front }
}
plot NaN notitle
eval legend_strip(legend_tall(1), 1, height)
set key title 'global batch' left
plot 2 notitle, for [k=1:lines] keyentry with linespoints lt ordered_line(k, lines) title sprintf('%d', batch[k])
unset multiplot
