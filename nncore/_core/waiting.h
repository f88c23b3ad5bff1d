/* A reentrant, fair lock for Python's threads: waiting threads get it in the order in which they came. A thread that holds it for long
 * looks at `n_waiting`, and gives way.
 *
 * Taking a turn that is free, and leaving one that nobody waits for, are one atomic operation each. */
#ifndef NNCORE_WAITING_H
#define NNCORE_WAITING_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct nnc_queue nnc_queue; /* mutex and condition of waiting threads */

/* A thread that waits. */
typedef struct nnc_waiter {
    struct nnc_waiter *next;
} nnc_waiter;

typedef struct nnc_turn {
    _Atomic uint64_t owner; /* the thread that holds it, 0 for none */
    int64_t depth;          /* how often the owner has taken it; only the owner touches it */
    _Atomic int32_t n_waiting;
    nnc_waiter *first; /* guarded by the queue's mutex */
    nnc_queue *queue;
} nnc_turn;

/* 0 if there is no memory. */
int32_t nnc_open_turn(nnc_turn *turn);
void nnc_close_turn(nnc_turn *turn);

static inline int32_t nnc_is_turn_of(nnc_turn *turn, uint64_t thread) {
    return atomic_load_explicit(&turn->owner, memory_order_relaxed) == thread;
}

/* Takes the turn if this thread has it already, or if nobody has it and nobody waits. Returns whether this thread has it. */
static inline int32_t nnc_take_turn(nnc_turn *turn, uint64_t thread) {
    uint64_t nobody = 0;
    if (!nnc_is_turn_of(turn, thread)) {
        if (atomic_load_explicit(&turn->n_waiting, memory_order_relaxed) > 0) return 0;
        if (!atomic_compare_exchange_strong(&turn->owner, &nobody, thread)) return 0;
    }
    turn->depth++;
    return 1;
}

void nnc_wake_waiters(nnc_turn *turn);

/* For the owner. Either it sees a thread that comes to wait, or that one sees that the turn is free: both operations are sequentially
 * consistent. */
static inline void nnc_leave_turn(nnc_turn *turn) {
    if (--turn->depth > 0) return;
    atomic_store(&turn->owner, 0);
    if (atomic_load(&turn->n_waiting) > 0) nnc_wake_waiters(turn);
}

/* Waiting takes several calls, each of which waits for a while, so that the caller can look for signals in between. Join the queue once,
 * then wait until that returns 1, or give up. */
void nnc_join_queue(nnc_turn *turn, nnc_waiter *self);
int32_t nnc_wait_for_turn(nnc_turn *turn, nnc_waiter *self, uint64_t thread);
void nnc_give_up_turn(nnc_turn *turn, nnc_waiter *self);

/* For the child of a fork, in which only this thread lives on. Nobody waits, and the turn is free unless this thread holds it. */
void nnc_reset_turn(nnc_turn *turn, uint64_t thread);

/* From now on nobody gets the turn. */
void nnc_shut_turn(nnc_turn *turn);

#endif
