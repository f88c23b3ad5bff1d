/* Several threads take one turn, several times each, give way, and give up waiting. Compiled with waiting.c, by test_threads.py for the
 * thread sanitizer. */
#include "system.h" /* before any other */
#include "waiting.h"

#include <stdio.h>

enum { THREADS = 4, ROUNDS = 2000 };

static nnc_turn turn;
static int64_t count; /* for whoever has the turn: another thread that touched it would be a race */
static _Atomic int64_t n_uses, failures;
static _Atomic uint64_t started;
static _Atomic int32_t running = THREADS;

/* Whether the turn becomes this thread's. A thread that is not patient gives up when it is woken without getting it. */
static int32_t wait_for_turn(uint64_t thread, int32_t is_patient) {
    nnc_waiter self;
    nnc_join_queue(&turn, &self);
    while (!nnc_wait_for_turn(&turn, &self, thread)) {
        if (is_patient) continue;
        nnc_give_up_turn(&turn, &self);
        return 0;
    }
    return 1;
}

/* Uses the turn once. Returns the number of uses, 1. */
static int64_t use_turn(void) {
    int64_t before = count;
    give_way(); /* so that others come to wait */
    count = before + 1;
    return 1;
}

THREAD_FUNCTION(live, nothing) {
    (void)nothing;
    uint64_t thread = ++started;
    int64_t uses = 0, wrong = 0; /* atomic ones would be an order that turns must make themselves */
    while (started < THREADS) give_way();
    for (int round = 0; round < ROUNDS; round++) {
        for (int pause = 0; pause < round % 7; pause++) give_way(); /* so that the turn may be free */
        if (!nnc_take_turn(&turn, thread) && !wait_for_turn(thread, round % 4 > 0)) continue;
        uses += use_turn();
        for (int depth = 2; depth <= 1 + round % 3; depth++) {
            wrong += !nnc_take_turn(&turn, thread) || turn.depth != depth;
            uses += use_turn();
        }
        while (turn.depth > 1) nnc_leave_turn(&turn);
        if (round % 5 == 0 && turn.n_waiting > 0) {
            nnc_leave_turn(&turn);
            wait_for_turn(thread, 1);
            uses += use_turn();
        }
        nnc_leave_turn(&turn);
    }
    n_uses += uses;
    failures += wrong;
    running--;
    return 0;
}

int main(void) {
    if (!nnc_open_turn(&turn)) return 2;
    for (int i = 0; i < THREADS; i++)
        if (!start_thread(live, NULL)) return 2;
    while (running > 0) give_way();
    failures += count != n_uses || turn.owner != 0 || turn.depth != 0 || turn.n_waiting != 0 || turn.first != NULL;
    nnc_close_turn(&turn);
    printf("%lld\n", (long long)failures);
    return failures != 0;
}
