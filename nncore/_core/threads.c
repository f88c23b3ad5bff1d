#include "system.h" /* before any other */
#include "threads.h"

#include <stdatomic.h>
#include <stdlib.h>

/* ---- teams ---------------------------------------------------------------------------------------------------------------- */

struct nnc_team {
    int32_t n_parts;
    nnc_team_function function;
    void *context;
    _Atomic int32_t arrived;
    _Atomic uint32_t generation; /* how many times the team has met */
    _Atomic int64_t verdict;     /* largest so far in the current meeting */
    int64_t agreed;              /* result of the last meeting; the next one cannot end before all have read it */
    _Atomic int32_t sleepers;
    mutex gate;
    condition met;
    _Atomic int32_t working; /* members other than the caller that have not returned */
    nnc_team *outer;         /* the team that its caller called together before, and is still in; or NULL */
};

/* The team that this thread has called together, and has not returned from. */
static _Thread_local nnc_team *own_team;

int64_t nnc_meet(nnc_team *team, int64_t verdict) {
    if (team->n_parts == 1) return verdict;
    uint32_t generation = atomic_load_explicit(&team->generation, memory_order_relaxed);
    int64_t largest = atomic_load_explicit(&team->verdict, memory_order_relaxed);
    while (verdict > largest && !atomic_compare_exchange_weak(&team->verdict, &largest, verdict)) continue;

    if (atomic_fetch_add(&team->arrived, 1) == team->n_parts - 1) {
        int64_t agreed = team->agreed = atomic_load_explicit(&team->verdict, memory_order_relaxed);
        atomic_store_explicit(&team->verdict, 0, memory_order_relaxed);
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_store(&team->generation, generation + 1);
        if (atomic_load(&team->sleepers) > 0) {
            lock(&team->gate);
            wake_all(&team->met);
            unlock(&team->gate);
        }
        return agreed;
    }
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&team->generation, memory_order_acquire) != generation) return team->agreed;
        PAUSE();
    }
    /* Either the last thread to come sees this sleeper, or this one sees the new generation: both operations are sequentially
     * consistent. */
    lock(&team->gate);
    atomic_fetch_add(&team->sleepers, 1);
    while (atomic_load(&team->generation) == generation) wait_for(&team->met, &team->gate);
    atomic_fetch_sub(&team->sleepers, 1);
    unlock(&team->gate);
    return team->agreed;
}

/* ---- pool ----------------------------------------------------------------------------------------------------------------- */

typedef struct worker {
    _Atomic(nnc_team *) team; /* the team it works for; NULL while it is idle */
    int32_t part;
    int32_t is_asleep; /* this and next_idle are guarded by the pool's gate */
    condition hired;
    struct worker *next_idle;
} worker;

static struct {
    mutex gate;
    worker *idle;
    int32_t n_workers;
    int32_t handles_fork;
} pool = {MUTEX_INITIALIZER, NULL, 0, 0};

static nnc_team *wait_for_team(worker *self) {
    nnc_team *team;
    for (int i = 0; i < SPINS; i++) {
        if ((team = atomic_load_explicit(&self->team, memory_order_acquire)) != NULL) return team;
        PAUSE();
    }
    lock(&pool.gate);
    self->is_asleep = 1;
    while ((team = atomic_load_explicit(&self->team, memory_order_acquire)) == NULL) wait_for(&self->hired, &pool.gate);
    self->is_asleep = 0;
    unlock(&pool.gate);
    return team;
}

THREAD_FUNCTION(work, argument) {
    worker *self = argument;
    for (;;) {
        nnc_team *team = wait_for_team(self);
        team->function(team, self->part, team->n_parts, team->context);
        lock(&pool.gate);
        atomic_store_explicit(&self->team, NULL, memory_order_relaxed);
        self->next_idle = pool.idle;
        pool.idle = self;
        unlock(&pool.gate);
        atomic_fetch_sub_explicit(&team->working, 1, memory_order_release); /* the team may be gone from here on */
    }
    return 0;
}

/* For the child of a fork. Workers do not survive a fork, and leave nothing to free. In each team only the thread that called it
 * together is left. */
static void forget_workers(void) {
    for (nnc_team *team = own_team; team != NULL; team = team->outer) team->working = 0;
    init_mutex(&pool.gate);
    pool.idle = NULL;
    pool.n_workers = 0;
}

/* Adds an idle worker. Returns 0 if the system refuses. The caller holds the pool's gate. */
static int add_worker(void) {
    worker *new = calloc(1, sizeof *new);
    if (new == NULL) return 0;
    if (!pool.handles_fork) pool.handles_fork = after_fork_in_child(forget_workers);
    init_condition(&new->hired);
    if (!start_thread(work, new)) {
        destroy_condition(&new->hired);
        free(new);
        return 0;
    }
    new->next_idle = pool.idle;
    pool.idle = new;
    pool.n_workers++;
    return 1;
}

void nnc_run_team(int32_t n_parts, nnc_team_function function, void *context) {
    nnc_team team = {.n_parts = 1, .function = function, .context = context, .outer = own_team};
    if (n_parts <= 1) {
        function(&team, 0, 1, context);
        return;
    }
    init_mutex(&team.gate);
    init_condition(&team.met);

    lock(&pool.gate);
    while (pool.n_workers < n_parts - 1 && add_worker()) continue;
    worker *hired = NULL;
    while (team.n_parts < n_parts && pool.idle != NULL) {
        worker *one = pool.idle;
        pool.idle = one->next_idle;
        one->part = team.n_parts++;
        one->next_idle = hired;
        hired = one;
    }
    atomic_store_explicit(&team.working, team.n_parts - 1, memory_order_relaxed);
    while (hired != NULL) { /* only now: a member must find the team complete */
        worker *next = hired->next_idle;
        atomic_store_explicit(&hired->team, &team, memory_order_release);
        if (hired->is_asleep) wake_one(&hired->hired);
        hired = next;
    }
    unlock(&pool.gate);

    own_team = &team;
    function(&team, 0, team.n_parts, context);
    own_team = team.outer;
    for (int i = 0; atomic_load_explicit(&team.working, memory_order_acquire) > 0; i++)
        if (i < SPINS) PAUSE();
        else give_way();
    destroy_condition(&team.met);
    destroy_mutex(&team.gate);
}

int32_t nnc_bound_processors(void) { return bound_processors(); }
