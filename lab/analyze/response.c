#include "lab/analyze/response.h"

#include "lab/base/stats.h"

#include <math.h>

#define LEAST_POINTS 4

/* Sums of powers of x and of x^k y, and the least squares of y = a + b x + c x^2 from them. */
typedef struct Parabola {
    double s[5], t[3], yy;
    double coefficient[3]; /* a, b, c */
    double inverse[3][3];  /* of the normal matrix */
    int n;
} Parabola;

static void see(Parabola *fit, double x, double y) {
    double power = 1;
    for (int k = 0; k < 5; k++) {
        fit->s[k] += power;
        if (k < 3)
            fit->t[k] += power * y;
        power *= x;
    }
    fit->yy += y * y;
    fit->n++;
}

/* By the adjugate; false when the points do not span a parabola. */
static bool solve(Parabola *fit) {
    const double *s = fit->s;
    double determinant = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int p = (i + 1) % 3, q = (i + 2) % 3, u = (j + 1) % 3, v = (j + 2) % 3;
            fit->inverse[j][i] = s[p + u] * s[q + v] - s[p + v] * s[q + u];
        }
    for (int j = 0; j < 3; j++)
        determinant += s[j] * fit->inverse[j][0];
    if (!(fabs(determinant) > 1e-9 * s[0] * s[2] * s[4]))
        return false;
    for (int i = 0; i < 3; i++) {
        fit->coefficient[i] = 0;
        for (int j = 0; j < 3; j++) {
            fit->inverse[i][j] /= determinant;
            fit->coefficient[i] += fit->inverse[i][j] * fit->t[j];
        }
    }
    return true;
}

/* Fieller: all v at which the slope b + 2 c v cannot be told from zero. False: no bounds. */
static bool fieller(Interval *out, const Parabola *fit) {
    double b = fit->coefficient[1], c = fit->coefficient[2], rss = fit->yy;
    for (int k = 0; k < 3; k++)
        rss -= fit->coefficient[k] * fit->t[k];
    double t = stats_t_quantile(RESPONSE_CONFIDENCE, fit->n - 3);
    double unit = t * t * fmax(rss, 0) / (fit->n - 3);
    double second = 4 * (c * c - unit * fit->inverse[2][2]),
           first = 4 * (b * c - unit * fit->inverse[1][2]),
           zeroth = b * b - unit * fit->inverse[1][1];
    double root = first * first - 4 * second * zeroth;
    if (!(second > 0) || root < 0)
        return false;
    *out = (Interval){(-first - sqrt(root)) / (2 * second), (-first + sqrt(root)) / (2 * second)};
    return true;
}

/* From the points beside those that are as good as the best. */
static Interval bracket(const double *x, const double *cost, int n, double least, double min,
                        double max) {
    Interval good = {INFINITY, -INFINITY}, out = {min, max};
    for (int i = 0; i < n; i++)
        if (cost[i] <= RESPONSE_CLOSE * least) {
            good.low = fmin(good.low, x[i]);
            good.high = fmax(good.high, x[i]);
        }
    for (int i = 0; i < n; i++) {
        if (x[i] < good.low)
            out.low = fmax(out.low, x[i]);
        if (x[i] > good.high)
            out.high = fmin(out.high, x[i]);
    }
    return out;
}

Response response_fit(const double *x, const double *cost, int n, double min, double max) {
    Response out = {.best = NAN, .optimum = NAN, .in = {NAN, NAN}};
    double least = INFINITY;
    for (int i = 0; i < n; i++)
        if (cost[i] < least) {
            least = cost[i];
            out.best = x[i];
        }
    if (isnan(out.best) || !(least > 0))
        return out;
    Parabola fit = {.n = 0};
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < n; i++)
        if (cost[i] <= RESPONSE_TOP * least) {
            see(&fit, x[i] - out.best, log(cost[i] / least));
            low = fmin(low, x[i]);
            high = fmax(high, x[i]);
        }
    out.n = fit.n;
    out.optimum = out.best;
    out.in = bracket(x, cost, n, least, min, max);
    Interval in;
    if (fit.n < LEAST_POINTS || !solve(&fit) || !(fit.coefficient[2] > 0) || !fieller(&in, &fit))
        return out;
    double vertex = out.best - fit.coefficient[1] / (2 * fit.coefficient[2]);
    if (vertex < low || vertex > high)
        return out;
    out.optimum = vertex;
    out.in = (Interval){fmax(min, out.best + in.low), fmin(max, out.best + in.high)};
    out.curved = true;
    return out;
}
