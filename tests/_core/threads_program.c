/* Several callers at once run teams that meet, for the thread sanitizer: compiled by test_threads.py with threads.c. */
#include "threads.h"

#include <pthread.h>
#include <stdio.h>

enum { CALLERS = 3, RUNS = 200, MEETINGS = 20, PARTS = 4 };

typedef struct sums {
    int64_t of_part[PARTS];
    int64_t seen[PARTS]; /* how many wrong things a part saw */
} sums;

/* Everybody adds to a number of its own, and after a meeting reads those of the others, which nobody else may have moved on yet. */
static void add(nnc_team *team, int32_t part, int32_t n_parts, void *context) {
    sums *s = context;
    for (int64_t meeting = 1; meeting <= MEETINGS; meeting++) {
        s->of_part[part] += part + 1;
        int64_t verdict = nnc_meet(team, part == meeting % n_parts ? meeting : 0);
        s->seen[part] += verdict != meeting;
        for (int32_t other = 0; other < n_parts; other++) s->seen[part] += s->of_part[other] != meeting * (other + 1);
        nnc_meet(team, 0);
    }
}

static void *call(void *failures) {
    for (int run = 0; run < RUNS; run++) {
        sums s = {{0}, {0}};
        nnc_run_team(1 + run % PARTS, add, &s);
        for (int part = 0; part < PARTS; part++) *(int64_t *)failures += s.seen[part];
    }
    return NULL;
}

int main(void) {
    pthread_t callers[CALLERS];
    int64_t failures[CALLERS] = {0}, sum = 0;
    for (int i = 0; i < CALLERS; i++) pthread_create(&callers[i], NULL, call, &failures[i]);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i], NULL);
        sum += failures[i];
    }
    printf("%lld\n", (long long)sum);
    return sum != 0;
}
