#include "system.h" /* before any other */
#include "waiting.h"

#include <stdlib.h>

struct nnc_queue {
    mutex gate;
    condition moved;
};

int32_t nnc_open_turn(nnc_turn *turn) {
    turn->queue = malloc(sizeof *turn->queue);
    if (turn->queue == NULL) return 0;
    init_mutex(&turn->queue->gate);
    init_condition(&turn->queue->moved);
    return 1;
}

void nnc_close_turn(nnc_turn *turn) {
    if (turn->queue == NULL) return;
    destroy_condition(&turn->queue->moved);
    destroy_mutex(&turn->queue->gate);
    free(turn->queue);
}

void nnc_wake_waiters(nnc_turn *turn) {
    lock(&turn->queue->gate);
    wake_all(&turn->queue->moved);
    unlock(&turn->queue->gate);
}

void nnc_join_queue(nnc_turn *turn, nnc_waiter *self) {
    lock(&turn->queue->gate);
    nnc_waiter **last = &turn->first;
    while (*last != NULL) last = &(*last)->next;
    self->next = NULL;
    *last = self;
    atomic_fetch_add(&turn->n_waiting, 1);
    unlock(&turn->queue->gate);
}

static void remove_from_queue(nnc_turn *turn, const nnc_waiter *self) {
    nnc_waiter **place = &turn->first;
    while (*place != self) place = &(*place)->next;
    *place = self->next;
    atomic_fetch_sub(&turn->n_waiting, 1);
}

static int32_t take_as_first(nnc_turn *turn, const nnc_waiter *self, uint64_t thread) {
    uint64_t nobody = 0;
    if (turn->first != self || !atomic_compare_exchange_strong(&turn->owner, &nobody, thread)) return 0;
    turn->depth = 1;
    remove_from_queue(turn, self);
    return 1;
}

int32_t nnc_wait_for_turn(nnc_turn *turn, nnc_waiter *self, uint64_t thread) {
    lock(&turn->queue->gate);
    int32_t is_taken = take_as_first(turn, self, thread);
    if (!is_taken) {
        wait_for_a_while(&turn->queue->moved, &turn->queue->gate);
        is_taken = take_as_first(turn, self, thread);
    }
    unlock(&turn->queue->gate);
    return is_taken;
}

void nnc_give_up_turn(nnc_turn *turn, nnc_waiter *self) {
    lock(&turn->queue->gate);
    remove_from_queue(turn, self);
    wake_all(&turn->queue->moved); /* another thread may be the first now */
    unlock(&turn->queue->gate);
}

void nnc_reset_turn(nnc_turn *turn, uint64_t thread) {
    init_mutex(&turn->queue->gate);
    init_condition(&turn->queue->moved);
    turn->first = NULL;
    atomic_store(&turn->n_waiting, 0);
    if (nnc_is_turn_of(turn, thread)) return;
    turn->depth = 0;
    atomic_store(&turn->owner, 0);
}

void nnc_shut_turn(nnc_turn *turn) { atomic_store(&turn->owner, UINT64_MAX); }
