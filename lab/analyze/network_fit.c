#include "lab/analyze/network_fit.h"

#include <math.h>
#include <string.h>

/* Log-log between the measured lengths on both sides of `bytes`, in proportion beyond them. NaN
 * without rows. */
static double tree_s(const Calibration *calibration, int64_t replicas, double bytes) {
    const SumTime *rows = calibration_sums(calibration), *below = NULL, *above = NULL;
    for (int i = 0; i < calibration->n[CALIBRATION_SUMS]; i++) {
        const SumTime *row = &rows[i];
        if (row->hosts != 1 || row->replicas != replicas || strcmp(row->way, "tree") != 0)
            continue;
        if ((double)row->bytes <= bytes && (!below || row->bytes > below->bytes))
            below = row;
        if ((double)row->bytes >= bytes && (!above || row->bytes < above->bytes))
            above = row;
    }
    if (!below || !above) {
        const SumTime *end = below ? below : above;
        return !end ? NAN : below ? end->seconds * bytes / (double)end->bytes : end->seconds;
    }
    if (below == above)
        return below->seconds;
    double share =
        log(bytes / (double)below->bytes) / log((double)above->bytes / (double)below->bytes);
    return below->seconds * pow(above->seconds / below->seconds, share);
}

/* The triad of one rank, or of the most ranks at once; NULL: not measured. */
static const MemoryRate *rate_of(const Calibration *calibration, bool one) {
    const MemoryRate *rows = calibration_memory(calibration), *best = NULL;
    for (int i = 0; i < calibration->n[CALIBRATION_MEMORY]; i++)
        if ((rows[i].ranks == 1) == one && (!best || rows[i].ranks > best->ranks))
            best = &rows[i];
    return best;
}

static const MessageTime *message_of(const Calibration *calibration, const char *where,
                                     int64_t bytes, int64_t messages) {
    const MessageTime *rows = calibration_messages(calibration), *best = NULL;
    for (int i = 0; i < calibration->n[CALIBRATION_MESSAGES]; i++)
        if (strcmp(rows[i].where, where) == 0 && rows[i].bytes == bytes &&
            rows[i].messages == messages && (!best || rows[i].seconds < best->seconds))
            best = &rows[i];
    return best;
}

/* Latency and rate of messages; false: not measured. */
static bool messages(double *latency_s, double *bytes_per_s, const Calibration *calibration,
                     const char *where) {
    const MessageTime *least = message_of(calibration, where, 4, 1);
    const MessageTime *most = message_of(calibration, where, 8 << 20, 1);
    if (!least || !most || !(most->seconds > least->seconds))
        return false;
    *latency_s = least->seconds;
    *bytes_per_s = (double)most->bytes / (most->seconds - least->seconds);
    return true;
}

bool network_fit_memory(Network *net, const Calibration *calibration, int ranks, double bytes) {
    const MemoryRate *one = rate_of(calibration, true), *all = rate_of(calibration, false);
    if (one && ranks == 1) { /* it shares with nobody: waits and messages inside cost nothing */
        net->core_bytes_per_s = net->node_bytes_per_s = one->bytes_per_s;
        net->wait_s = net->inside_s = 1e-9;
        net->inside_bytes_per_s = one->bytes_per_s;
        return true;
    }
    if (!one || !all ||
        !messages(&net->inside_s, &net->inside_bytes_per_s, calibration, "inside a host"))
        return false;
    double most = (double)all->ranks, least = tree_s(calibration, all->ranks, 4096);
    double sum = tree_s(calibration, all->ranks, bytes);
    if (!(least > 0) || !(sum > 0))
        return false;
    net->wait_s = least / most; /* of two waits, each of most / 2 times wait_s */
    double moved = fmax(sum - least, 0.1 * sum);
    net->node_bytes_per_s = (most + 1) * bytes / moved;
    net->core_bytes_per_s = fmax(one->bytes_per_s, net->node_bytes_per_s / most);
    return true;
}

/* Sums send and receive at once, so a rate that was measured that way counts. */
bool network_fit_link(Network *net, const Calibration *calibration) {
    static const char where[] = "between hosts";
    const MessageTime *one = message_of(calibration, where, 4, 1);
    const MessageTime *pile = message_of(calibration, where, 4, 32);
    const MessageTime *both = message_of(calibration, "between hosts, both ways", 4 << 20, 1);
    if (!pile || !messages(&net->latency_s, &net->link_bytes_per_s, calibration, where))
        return false;
    if (both && both->seconds > net->latency_s)
        net->link_bytes_per_s = (double)both->bytes / (both->seconds - net->latency_s);
    net->overhead_s = fmax(0, pile->seconds - one->seconds) / (double)(pile->messages - 1);
    return true;
}
