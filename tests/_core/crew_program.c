/* A dispatcher and its workers exchange jobs: compiled with crew.c and threads.c, by test_threads.py for the thread sanitizer and by
 * tools/cross_compile.py for other systems. */
#include "system.h" /* before any other */
#include "crew.h"
#include "threads.h"

#include <stdio.h>

enum { JOBS = 7, ROUNDS = 300, CREWS = 12, STEPS = 40 };

/* Counts to STEPS, in pieces if it is ended early. */
typedef struct counting {
    nnc_job job; /* first, so that the job is the counting */
    int64_t steps, rounds;
} counting;

static void count(nnc_job *job, nnc_stop stop) {
    counting *c = (counting *)job;
    do c->steps++;
    while (c->steps < STEPS && *stop == 0);
}

typedef struct scene {
    const nnc_crews *crews;
    nnc_crew *crew;
    counting all[JOBS];
    int64_t failures;
} scene;

/* What a dispatcher does with a job that is done, or has been ended early. Returns whether its last round is over. */
static int settle(scene *s, counting *c) {
    s->failures += c->steps < 1 || c->steps > STEPS;
    if (c->steps == STEPS) {
        c->steps = 0;
        if (++c->rounds == ROUNDS) return 1;
    }
    s->crews->give(s->crew, &c->job);
    return 0;
}

static void dispatch(void *context) {
    scene *s = context;
    for (int i = 0; i < JOBS; i++) s->crews->give(s->crew, &s->all[i].job);
    for (int left = JOBS, turn = 0; left > 0; turn++) {
        nnc_job *job;
        while ((job = s->crews->done(s->crew)) != NULL) left -= settle(s, (counting *)job);
        if (turn % 50 == 49) {
            s->crews->pause(s->crew);
            for (int i = 0; i < JOBS; i++) s->failures += s->all[i].steps > STEPS; /* nobody works on it now */
            s->crews->resume(s->crew);
        }
        if (left < 3) s->crews->keep(s->crew, left - 1 < 0 ? 0 : left - 1);
        if (turn % 5 != 0 && (job = s->crews->take_back(s->crew)) != NULL) {
            s->crews->work(s->crew, job);
            left -= settle(s, (counting *)job);
        } else if (s->crews->n_workers(s->crew) > 0) s->crews->wait(s->crew);
    }
}

int main(void) {
    int64_t failures = 0;
    for (int i = 0; i < CREWS; i++) {
        scene s = {.crews = &nnc_crew_functions};
        s.crew = s.crews->open();
        if (s.crew == NULL) return 2;
        for (int k = 0; k < JOBS; k++) s.all[k].job.work = count;
        s.crews->run(s.crew, 1 + i % 4, dispatch, &s);
        s.crews->close(s.crew);
        failures += s.failures;
        for (int k = 0; k < JOBS; k++) failures += s.all[k].rounds != ROUNDS;
    }
    printf("%lld\n", (long long)failures);
    return failures != 0;
}
