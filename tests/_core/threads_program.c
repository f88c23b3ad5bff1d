/* Several callers at once run teams that meet: compiled with threads.c, by test_threads.py for the thread sanitizer and by
 * tools/cross_compile.py for other systems. */
#include "system.h" /* before any other */
#include "threads.h"

#include <stdatomic.h>
#include <stdio.h>

enum { CALLERS = 3, RUNS = 200, MEETINGS = 20, PARTS = 4 };

typedef struct sums {
    int64_t of_part[PARTS];
    int64_t seen[PARTS]; /* how many wrong numbers a part saw */
} sums;

/* Every part adds to its own number. After a meeting it reads those of the others, which nobody may have changed yet. */
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

static _Atomic int64_t failures;
static _Atomic int32_t calling = CALLERS;

THREAD_FUNCTION(call, nothing) {
    (void)nothing;
    for (int run = 0; run < RUNS; run++) {
        sums s = {{0}, {0}};
        nnc_run_team(1 + run % PARTS, add, &s);
        for (int part = 0; part < PARTS; part++) failures += s.seen[part];
    }
    calling--;
    return 0;
}

int main(void) {
    for (int i = 0; i < CALLERS; i++)
        if (!start_thread(call, NULL)) return 2;
    while (calling > 0) give_way();
    printf("%lld\n", (long long)failures);
    return failures != 0;
}
