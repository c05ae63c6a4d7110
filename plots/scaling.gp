# Rate (left) and efficiency (right) against replicas; strong scaling above, weak scaling below when it was measured.
# Points are measured, lines are predicted, hollow points oversubscribed. Points of one number of replicas stand a little apart.
# Columns: 1 panel (1 strong, 2 weak), 2 line, 5 global_batch, 6 examples_per_replica, 7 replicas, 10 oversubscribed,
# 15 16 17 rate, 19 20 21 efficiency, 22 predicted_rate, 23 predicted_efficiency, 26 27 and 28 29 their bands
name = 'scaling'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

array m[2] # lines of each panel
array size[16] # of line k of panel p at 8 (p - 1) + k: what stays the same along it
do for [k=1:16] { size[k] = 0 }
m[1] = 0; m[2] = 0; r_max = 2; rate_min = 1e300; rate_max = 0; e_max = 1.0; r_over = 0
stats table using ($1 > 0 ? (m[int($1)] = $2 > m[int($1)] ? int($2) : m[int($1)], \
    size[8 * (int($1) - 1) + int($2)] = ($1 == 1 ? $5 : $6), r_max = $7 > r_max ? $7 : r_max, \
    rate_min = $15 < rate_min ? $15 : rate_min, rate_max = $15 > rate_max ? $15 : rate_max, \
    rate_max = $22 > rate_max ? $22 : rate_max, rate_max = $27 > rate_max ? $27 : rate_max, e_max = $29 > e_max ? $29 : e_max, e_max = $21 > e_max ? $21 : e_max, r_over = r_over + $10) : NaN) nooutput

tall = 300
key_rows = 1
strip = legend_tall(key_rows) + 10
rows = (m[1] > 0) + (m[2] > 0)
height = rows * (tall + strip + 26) + 70
eval canvas(600, height)
set multiplot
top = height - 6.0
do for [p=1:2] {
    if (m[p] > 0) {
        eval axes
        unset key
        set logscale x 2
        set xrange [0.85 : r_max * 1.2]
        set xtics 1, 2 format '%g'
        set xlabel 'replicas' offset 0,0.3
        set label 1 (p == 1 ? 'Strong scaling: the global batch stays' : 'Weak scaling: the examples per replica stay') \
            at screen 0.145, screen (top - 12) / height font ',17'
        do for [c=1:2] {
            eval place(c - 1, 2, top - 26, tall - 106, height)
            if (c == 1) {
                set title 'examples per second' offset 0,-0.7 font ',15' tc rgb '#444444'
                set logscale y
                eval decades('y', rate_min, rate_max)
                set yrange [rate_min / 1.3 : rate_max * 1.3]
            } else {
                unset label 1
                set title 'efficiency' offset 0,-0.7 font ',15' tc rgb '#444444'
                unset logscale y
                set ytics 0, nice(e_max, 5) format '%g'
                set yrange [0 : 1.06 * e_max]
            }
            aside(x, k) = x * 1.05 ** (k - (m[p] + 1) / 2.0) # points of one number of replicas beside each other
            v = c == 1 ? 15 : 19; q = c == 1 ? 22 : 23; band = c == 1 ? 26 : 28
            plot for [k=1:m[p]] table using ($1 == p && $2 == k && column(band) > 0 ? $7 : NaN):(column(band)):(column(band + 1)) \
                     with filledcurves lt ordered_line(k, m[p]) lw 0 fs transparent solid 0.14 noborder, \
                 (c == 2 ? 1 : NaN) with lines lc rgb '#888888' lw 1.6 dt (6,5), \
                 for [k=1:m[p]] table using ($1 == p && $2 == k ? $7 : NaN):(column(q)) with lines lt ordered_line(k, m[p]) lw 1.6, \
                 for [k=1:m[p]] table using ($1 == p && $2 == k ? aside($7, k) : NaN):(column(v + 1)):(0):(column(v + 2) - column(v + 1)) \
                     with vectors nohead lt ordered_line(k, m[p]) lw 1.6, \
                 for [k=1:m[p]] table using ($1 == p && $2 == k && $10 == 0 ? aside($7, k) : NaN):(column(v)) \
                     with points lt ordered_line(k, m[p]) pt 7 ps 0.75, \
                 for [k=1:m[p]] table using ($1 == p && $2 == k && $10 == 1 ? aside($7, k) : NaN):(column(v)) \
                     with points pt 7 ps 0.75 lc rgb 'white', \
                 for [k=1:m[p]] table using ($1 == p && $2 == k && $10 == 1 ? aside($7, k) : NaN):(column(v)) \
                     with points lt ordered_line(k, m[p]) pt 6 ps 0.75
        }
        top = top - tall - 16
        eval legend_strip(top, key_rows, height)
        set key title (p == 1 ? 'global batch' : 'examples per replica') left
        plot 2 notitle, for [k=1:m[p]] keyentry with lines lt ordered_line(k, m[p]) title sprintf('%d', size[8 * (p - 1) + k])
        top = top - strip - 10
    }
}
eval legend_strip(top + 4, 1, height)
set key notitle maxrows 2 samplen 1.6 width 1
plot 2 notitle, keyentry with points pt 7 ps 0.8 lc rgb '#444444' title 'measured', \
     keyentry with lines lc rgb '#444444' lw 1.6 dt 1 title 'predicted', \
     keyentry with boxes lc rgb '#444444' lw 0 fs transparent solid 0.2 noborder title '90 % band', \
     keyentry with points pt 6 ps 0.8 lc rgb '#444444' title 'oversubscribed'
unset multiplot
