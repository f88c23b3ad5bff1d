/* Which signals a worker of the pool keeps out, and that it can be told of its own crashes: compiled with threads.c, by test_threads.py. */
#include "system.h" /* before any other */
#include "threads.h"

#include <stdio.h>
#include <unistd.h>

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
enum { N_CRASHES = sizeof crashes / sizeof *crashes, N_SIGNALS = 32 };

static volatile sig_atomic_t told[N_SIGNALS];
static int is_open[N_SIGNALS];

static void tell(int number) { told[number] = 1; }

static void look(nnc_team *team, int32_t part, int32_t n_parts, void *context) {
    (void)team, (void)n_parts, (void)context;
    if (part == 0) return;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    for (int number = 1; number < N_SIGNALS; number++)
        is_open[number] = number != SIGKILL && number != SIGSTOP && !sigismember(&blocked, number);
    for (int i = 0; i < N_CRASHES; i++) pthread_kill(pthread_self(), crashes[i]);
}

int main(void) {
    for (int i = 0; i < N_CRASHES; i++) signal(crashes[i], tell);
    nnc_run_team(2, look, NULL);
    int n_open = 0;
    for (int number = 1; number < N_SIGNALS; number++) n_open += is_open[number];
    for (int i = 0; i < N_CRASHES; i++)
        if (!told[crashes[i]] || !is_open[crashes[i]]) printf("signal %d does not reach a worker\n", crashes[i]);
    if (n_open != N_CRASHES) printf("%d signals are open, %d should be\n", n_open, (int)N_CRASHES);
    return n_open != N_CRASHES;
}
