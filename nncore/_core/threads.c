#define _POSIX_C_SOURCE 200809L /* the C standard alone has no signal masks */
#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__x86_64__) || defined(__i386__)
#    include <immintrin.h>
#    define PAUSE() _mm_pause()
#elif defined(__aarch64__)
#    define PAUSE() __asm__ volatile("yield")
#else
#    define PAUSE() ((void)0)
#endif

/* How often a waiting thread looks before it goes to sleep: some 50 microseconds, longer than an op usually keeps the others waiting, and
 * no longer, because with more threads than cores the one that is waited for may be the one that cannot run. */
#define SPINS 1500

/* Musl gives threads 128 kB, which kernels that keep tiles on the stack may exceed. */
#define STACK_BYTES (2 * 1024 * 1024)

/* ---- teams ---------------------------------------------------------------------------------------------------------------- */

struct nnc_team {
    int32_t n_parts;
    nnc_team_function function;
    void *context;
    _Atomic int32_t arrived;
    _Atomic uint32_t generation; /* how many times the team has met */
    _Atomic int64_t verdict;     /* largest so far of the meeting that is gathering */
    int64_t agreed;              /* of the last meeting; the next cannot end before all have read it */
    _Atomic int32_t sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t met;
    _Atomic int32_t working; /* members other than the caller that have not returned */
};

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
            pthread_mutex_lock(&team->mutex);
            pthread_cond_broadcast(&team->met);
            pthread_mutex_unlock(&team->mutex);
        }
        return agreed;
    }
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&team->generation, memory_order_acquire) != generation) return team->agreed;
        PAUSE();
    }
    /* Either the last to come sees this sleeper, or this one sees the new generation: both are sequentially consistent. */
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add(&team->sleepers, 1);
    while (atomic_load(&team->generation) == generation) pthread_cond_wait(&team->met, &team->mutex);
    atomic_fetch_sub(&team->sleepers, 1);
    pthread_mutex_unlock(&team->mutex);
    return team->agreed;
}

/* ---- pool ----------------------------------------------------------------------------------------------------------------- */

typedef struct worker {
    _Atomic(nnc_team *) team; /* what it works for; NULL while it is idle */
    int32_t part;
    int32_t is_asleep; /* this and next_idle are guarded by the pool's mutex */
    pthread_cond_t hired;
    struct worker *next_idle;
} worker;

static struct {
    pthread_mutex_t mutex;
    worker *idle;
    int32_t n_workers;
    int32_t handles_fork;
} pool = {PTHREAD_MUTEX_INITIALIZER, NULL, 0, 0};

static nnc_team *wait_for_team(worker *self) {
    nnc_team *team;
    for (int i = 0; i < SPINS; i++) {
        if ((team = atomic_load_explicit(&self->team, memory_order_acquire)) != NULL) return team;
        PAUSE();
    }
    pthread_mutex_lock(&pool.mutex);
    self->is_asleep = 1;
    while ((team = atomic_load_explicit(&self->team, memory_order_acquire)) == NULL) pthread_cond_wait(&self->hired, &pool.mutex);
    self->is_asleep = 0;
    pthread_mutex_unlock(&pool.mutex);
    return team;
}

static void *work(void *argument) {
    worker *self = argument;
    for (;;) {
        nnc_team *team = wait_for_team(self);
        team->function(team, self->part, team->n_parts, team->context);
        pthread_mutex_lock(&pool.mutex);
        atomic_store_explicit(&self->team, NULL, memory_order_relaxed);
        self->next_idle = pool.idle;
        pool.idle = self;
        pthread_mutex_unlock(&pool.mutex);
        atomic_fetch_sub_explicit(&team->working, 1, memory_order_release); /* the team may be gone from here on */
    }
    return NULL;
}

/* Threads do not survive a fork; what they were leaves nothing to free. */
static void forget_workers(void) {
    pthread_mutex_init(&pool.mutex, NULL);
    pool.idle = NULL;
    pool.n_workers = 0;
}

/* One more idle worker, or 0 if the system refuses. Called with the pool's mutex held. */
static int add_worker(void) {
    worker *new = calloc(1, sizeof *new);
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    if (new == NULL) return 0;
    if (!pool.handles_fork) pool.handles_fork = pthread_atfork(NULL, NULL, forget_workers) == 0;
    pthread_cond_init(&new->hired, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all); /* signals are for Python's own threads */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, &attributes, work, new);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (failed) {
        pthread_cond_destroy(&new->hired);
        free(new);
        return 0;
    }
    new->next_idle = pool.idle;
    pool.idle = new;
    pool.n_workers++;
    return 1;
}

void nnc_run_team(int32_t n_parts, nnc_team_function function, void *context) {
    nnc_team team = {.n_parts = 1, .function = function, .context = context};
    if (n_parts <= 1) {
        function(&team, 0, 1, context);
        return;
    }
    pthread_mutex_init(&team.mutex, NULL);
    pthread_cond_init(&team.met, NULL);

    pthread_mutex_lock(&pool.mutex);
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
        if (hired->is_asleep) pthread_cond_signal(&hired->hired);
        hired = next;
    }
    pthread_mutex_unlock(&pool.mutex);

    function(&team, 0, team.n_parts, context);
    for (int i = 0; atomic_load_explicit(&team.working, memory_order_acquire) > 0; i++)
        if (i < SPINS) PAUSE();
        else sched_yield();
    pthread_cond_destroy(&team.met);
    pthread_mutex_destroy(&team.mutex);
}
