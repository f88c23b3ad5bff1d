#include "system.h" /* before any other */
#include "clock.h"
#include "crew.h"
#include "threads.h"

#include <stdlib.h>

/* A queue of jobs: first in, first out. */
typedef struct jobs {
    nnc_job *first;
    nnc_job **end;
    _Atomic int32_t n; /* waiting threads read it without the gate */
} jobs;

static void begin(jobs *of) {
    of->first = NULL;
    of->end = &of->first;
    of->n = 0;
}

static void add(jobs *to, nnc_job *job) {
    job->next = NULL;
    *to->end = job;
    to->end = &job->next;
    atomic_fetch_add_explicit(&to->n, 1, memory_order_release);
}

static nnc_job *take(jobs *from) {
    nnc_job *job = from->first;
    if (job == NULL) return NULL;
    from->first = job->next;
    if (from->first == NULL) from->end = &from->first;
    atomic_fetch_sub_explicit(&from->n, 1, memory_order_relaxed);
    return job;
}

struct nnc_crew {
    mutex gate; /* guards all that is not atomic */
    jobs waiting, done;
    condition given;           /* what workers sleep on */
    condition settled;         /* what the dispatcher sleeps on */
    int32_t n_workers, n_kept; /* members other than the dispatcher, and how many of them may stay */
    int32_t n_working;         /* workers that do a job at the moment */
    int32_t n_asleep;
    int32_t dispatcher_sleeps;
    _Atomic int32_t is_paused; /* workers end their jobs early, and begin none */
    _Atomic int32_t is_wanted; /* the dispatcher ends its own job early */
    void (*dispatch)(void *context);
    void *context;
};

static nnc_crew *open_crew(void) {
    nnc_crew *crew = calloc(1, sizeof *crew);
    if (crew == NULL) return NULL;
    init_mutex(&crew->gate);
    init_condition(&crew->given);
    init_condition(&crew->settled);
    begin(&crew->waiting);
    begin(&crew->done);
    return crew;
}

static void close_crew(nnc_crew *crew) {
    if (crew == NULL) return;
    destroy_condition(&crew->settled);
    destroy_condition(&crew->given);
    destroy_mutex(&crew->gate);
    free(crew);
}

static void wake_dispatcher(nnc_crew *crew) {
    if (crew->dispatcher_sleeps) wake_one(&crew->settled);
}

/* Spins for a while, without the gate, until a job may be there. Returns whether there may be one. */
static int sees_one(jobs *of) {
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&of->n, memory_order_acquire) > 0) return 1;
        PAUSE();
    }
    return 0;
}

/* The next job for a worker, which holds the gate. NULL: the worker must leave. */
static nnc_job *next_job(nnc_crew *crew) {
    for (int looks = 1;;) {
        int has_one = !crew->is_paused && crew->waiting.first != NULL;
        if (crew->n_workers > crew->n_kept) return NULL;
        if (has_one) return take(&crew->waiting);
        if (looks && !crew->is_paused) {
            if (crew->done.first != NULL) atomic_store_explicit(&crew->is_wanted, 1, memory_order_relaxed);
            unlock(&crew->gate);
            looks = sees_one(&crew->waiting);
            lock(&crew->gate);
        } else {
            crew->n_asleep++;
            wait_for(&crew->given, &crew->gate);
            crew->n_asleep--;
            looks = 1;
        }
    }
}

static void do_job(nnc_job *job, nnc_stop stop) {
    double begin = nnc_now();
    job->work(job, stop);
    job->seconds = nnc_now() - begin;
}

static void work_for(nnc_crew *crew) {
    lock(&crew->gate);
    for (nnc_job *job; (job = next_job(crew)) != NULL;) {
        crew->n_working++;
        unlock(&crew->gate);
        do_job(job, &crew->is_paused);
        lock(&crew->gate);
        crew->n_working--;
        add(&crew->done, job);
        wake_dispatcher(crew);
    }
    crew->n_workers--;
    wake_dispatcher(crew);
    unlock(&crew->gate);
}

static void keep(nnc_crew *crew, int32_t n_workers) {
    lock(&crew->gate);
    crew->n_kept = n_workers;
    wake_all(&crew->given);
    unlock(&crew->gate);
}

static void serve(nnc_team *team, int32_t part, int32_t n_parts, void *context) {
    nnc_crew *crew = context;
    if (part == 0) crew->n_workers = crew->n_kept = n_parts - 1;
    nnc_meet(team, 0);
    if (part > 0) {
        work_for(crew);
        return;
    }
    crew->dispatch(crew->context);
    keep(crew, 0);
}

static void run(nnc_crew *crew, int32_t n_members, void (*dispatch)(void *context), void *context) {
    crew->dispatch = dispatch;
    crew->context = context;
    nnc_run_team(n_members, serve, crew);
}

static int32_t n_workers(nnc_crew *crew) {
    lock(&crew->gate);
    int32_t n = crew->n_workers;
    unlock(&crew->gate);
    return n;
}

static void give(nnc_crew *crew, nnc_job *job) {
    lock(&crew->gate);
    add(&crew->waiting, job);
    if (crew->n_asleep > 0) wake_one(&crew->given);
    unlock(&crew->gate);
}

static nnc_job *take_back(nnc_crew *crew) {
    lock(&crew->gate);
    nnc_job *job = take(&crew->waiting);
    unlock(&crew->gate);
    return job;
}

static void work(nnc_crew *crew, nnc_job *job) {
    lock(&crew->gate);
    atomic_store_explicit(&crew->is_wanted, crew->done.first != NULL, memory_order_relaxed);
    unlock(&crew->gate);
    do_job(job, &crew->is_wanted);
}

static nnc_job *done(nnc_crew *crew) {
    lock(&crew->gate);
    nnc_job *job = take(&crew->done);
    unlock(&crew->gate);
    return job;
}

static void wait(nnc_crew *crew) {
    if (sees_one(&crew->done)) return;
    lock(&crew->gate);
    if (crew->done.first == NULL) {
        crew->dispatcher_sleeps = 1;
        wait_for_a_while(&crew->settled, &crew->gate);
        crew->dispatcher_sleeps = 0;
    }
    unlock(&crew->gate);
}

static void pause_workers(nnc_crew *crew) {
    lock(&crew->gate);
    atomic_store_explicit(&crew->is_paused, 1, memory_order_relaxed);
    crew->dispatcher_sleeps = 1;
    while (crew->n_working > 0) wait_for(&crew->settled, &crew->gate);
    crew->dispatcher_sleeps = 0;
    unlock(&crew->gate);
}

static void resume_workers(nnc_crew *crew) {
    lock(&crew->gate);
    atomic_store_explicit(&crew->is_paused, 0, memory_order_relaxed);
    wake_all(&crew->given);
    unlock(&crew->gate);
}

static void forget_workers(nnc_crew *crew) {
    init_mutex(&crew->gate);
    init_condition(&crew->given);
    init_condition(&crew->settled);
    crew->n_workers = crew->n_asleep = 0;
    crew->is_paused = 0;
}

const nnc_crews nnc_crew_functions = {
    open_crew, close_crew, run, n_workers, give, take_back, work, done, wait, keep, pause_workers, resume_workers, forget_workers,
};
