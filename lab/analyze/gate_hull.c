/* The lower convex hull of (batch, examples) points. */
#include "lab/analyze/gate.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct HullPoint {
    double x, y;
} HullPoint;

static int by_x(const void *a, const void *b) {
    const HullPoint *p = a, *q = b;
    if (p->x != q->x)
        return (p->x > q->x) - (p->x < q->x);
    return (p->y > q->y) - (p->y < q->y);
}

/* Is q on or above the straight line from p to r? */
static bool above(HullPoint p, HullPoint q, HullPoint r) {
    return (q.y - p.y) * (r.x - p.x) >= (r.y - p.y) * (q.x - p.x);
}

double gate_hull(double batch, const double *batches, const double *examples, int n, Arena *arena) {
    HullPoint *point = ARENA_ARRAY(arena, HullPoint, n + 1),
              *hull = ARENA_ARRAY(arena, HullPoint, n + 1);
    int n_points = 0, k = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(examples[i]))
            point[n_points++] = (HullPoint){batches[i], examples[i]};
    qsort(point, (size_t)n_points, sizeof *point, by_x);
    for (int i = 0; i < n_points; i++) {
        if (i && point[i].x == point[i - 1].x)
            continue; /* the lower one came first */
        while (k >= 2 && above(hull[k - 2], hull[k - 1], point[i]))
            k--;
        hull[k++] = point[i];
    }
    if (k && batch == hull[k - 1].x)
        return hull[k - 1].y;
    for (int i = 0; i + 1 < k; i++)
        if (batch >= hull[i].x && batch < hull[i + 1].x)
            return hull[i].y +
                   (hull[i + 1].y - hull[i].y) * (batch - hull[i].x) / (hull[i + 1].x - hull[i].x);
    return NAN;
}
