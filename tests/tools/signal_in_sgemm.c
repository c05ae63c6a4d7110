/* Why a process that trains keeps signals from its threads (lab/sweep/launch.h):
 *
 *   signal_in_sgemm [blocked]
 *
 * runs oneDNN's product of 128 x 784 by 784 x 64 while signals with an empty handler arrive, and
 * compares every result with the first. oneDNN 2.6 corrupts the heap, and the program dies, after
 * some of them; with `blocked` the thread that computes does not get them, and all is well. */
#include "lab/nn/gemm.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { M = 128, N = 64, K = 784, ROUNDS = 20000, EVERY_US = 300 };

static void nothing(int signal_number) {
    (void)signal_number;
}

static void *send(void *to) {
    for (;;) {
        usleep(EVERY_US);
        pthread_kill((pthread_t)to, SIGUSR1);
    }
    return NULL;
}

static float *fill(int n) {
    float *x = malloc(sizeof(float) * (size_t)n);
    for (int i = 0; i < n; i++)
        x[i] = (float)(i % 13) * 0.1F - 0.5F;
    return x;
}

int main(int argc, char **argv) {
    float *a = fill(M * K), *b = fill(K * N), *c = fill(M * N), *first = fill(M * N);
    struct sigaction action = {.sa_handler = nothing};
    pthread_t self = pthread_self(), sender;
    int wrong = 0;
    sigaction(SIGUSR1, &action, NULL);
    if (argc > 1 && strcmp(argv[1], "blocked") == 0) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
    }
    omp_set_num_threads(1);
    gemm_by(GEMM_ONEDNN, GEMM_NT, M, N, K, a, b, first, false);
    if (pthread_create(&sender, NULL, send, (void *)self) != 0)
        return 1;
    for (int i = 0; i < ROUNDS; i++) {
        gemm_by(GEMM_ONEDNN, GEMM_NT, M, N, K, a, b, c, false);
        wrong += memcmp(c, first, sizeof(float) * M * N) != 0;
    }
    printf("%d of %d products differ\n", wrong, ROUNDS);
    return wrong != 0; /* the end of the process frees the rest */
}
