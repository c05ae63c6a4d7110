# The critical batch by every estimator: a group a series, a row an estimator, batches logarithmic.
# Columns: 1 series, 2 estimator, 3 4 5 batch, low, high, 6 kind of the interval, 10 remark
name = 'critical_batch'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

known(v) = v > 0 && v < 1e300
num(c) = valid(c) ? column(c) : NaN # $3 of a missing number would skip its row
low = 1e300; high = 0; m = 0; least = 1e300; most = 0
# Axis: everything that is known, but no bound further than a factor of 64 from every estimate.
stats table using (m = m + 1, a = num(3), known(a) ? (least = a < least ? a : least, most = a > most ? a : most, 1) : 0) nooutput
stats table using (a = num(4), b = num(5), known(a) ? (low = a < low ? a : low, high = a > high ? a : high, 1) : 0, \
                   known(b) ? (low = b < low ? b : low, high = b > high ? b : high, 1) : 0) nooutput
if (most > 0) {
    low = low < least / 64 ? least / 64 : low > least ? least : low
    high = high > most * 64 ? most * 64 : high < most ? most : high
}
if (high < low) { low = 1; high = 2 }
left = low / 2; right = high * 2

# Branches leave their trunk at several points: "branches off B = 64 at 6,000 examples, ..." names them.
behind(text) = text[strstrt(text, ' at ') + 4:*]
point_of(text) = strstrt(text, ' at ') > 0 ? behind(text)[1:strstrt(behind(text), ' ') - 1] : ''
name_of(estimator, remark) = estimator eq 'branched training' ? 'branched at '.point_of(remark) : estimator

array series[m]
array what[m]
array at[m]
array from[m]
array to[m]
array bold[m]
i = 0
stats table using (i = i + 1, series[i] = strcol(1), what[i] = name_of(strcol(2), strcol(10)), at[i] = num(3), from[i] = num(4), to[i] = num(5), \
                   bold[i] = strcol(6) eq '90 % interval', 1) nooutput
groups = 0
do for [i=1:m] { groups = groups + (i == 1 ? 1 : series[i] ne series[i > 1 ? i - 1 : 1]) }

tall = 25.0 * (m + groups) + 14
height = tall + 96
eval canvas(600, height)
set lmargin at screen 0.37
set rmargin at screen 0.955
set tmargin at screen (height - 10.0) / height
set bmargin at screen (height - 10.0 - tall) / height
set logscale x 2
span = log(right / left) / log(2)
set xtics 1, (span > 20 ? 64 : span > 10 ? 16 : span > 5 ? 4 : 2) format '%.0f'
set xrange [left : right]
set yrange [m + groups + 0.8 : 0.2]
unset ytics
unset grid
set grid xtics lt 1 lc rgb '#e4e4e4' lw 1 dt solid
set xlabel 'batch (examples per step)' offset 0,0.3
unset key

colour(name) = name eq 'hyperbola fit' ? 1 : name eq '20 % point' ? 2 : name eq 'noise-scale prediction' ? 3 : \
               name eq 'noise scale' ? 6 : name[1:8] eq 'branched' ? 4 : 7
y = 0
do for [i=1:m] {
    y = y + 1
    if (i == 1 ? 1 : series[i] ne series[i > 1 ? i - 1 : 1]) {
        set label 1000 + i series[i] at screen 0.02, first y left font ',16' tc rgb '#222222'
        y = y + 1
    }
    set label i what[i] at screen 0.36, first y right font ',15' tc rgb '#444444'
    k = colour(what[i])
    a = known(from[i]) ? from[i] : left * 1.15
    b = known(to[i]) ? to[i] : right / 1.15
    if (a < left) { a = left * 1.15 }
    if (b > right) { b = right / 1.15 }
    if (!known(at[i]) && !known(from[i]) && !known(to[i])) {
        set label 3000 + i 'unidentified' at graph 0.02, first y left font ',15' tc rgb '#888888'
    }
    if (known(from[i]) || known(to[i])) {
        set arrow 3 * i from a, y to b, y nohead lc k lw (bold[i] ? 4 : 1.8) dt 1
        if (!known(from[i])) { set arrow 3 * i + 1 from a, y to left, y size screen 0.012,25 filled lc k lw 1.8 dt 1 }
        if (!known(to[i])) { set arrow 3 * i + 2 from b, y to right, y size screen 0.012,25 filled lc k lw 1.8 dt 1 }
    }
    if (known(at[i])) { set label 2000 + i '' at at[i], y point lt k pt 7 ps 0.95 front }
}
plot NaN notitle
