/* What the thread pool needs of the operating system, for POSIX and for Windows: a mutex, a condition, a thread, the number of processors.
 * Include before any other header.
 *
 * MUTEX_INITIALIZER initialises a static mutex. `start_thread` starts a detached thread, and returns 0 if the system refuses. The thread
 * leaves signals to others, except those of its own crashes, which faulthandler reports. A THREAD_FUNCTION ends with `return 0`. */
#ifndef NNCORE_SYSTEM_H
#define NNCORE_SYSTEM_H

/* Stack of a thread. Musl's default is 128 kB, that of macOS 512 kB, which kernels that keep tiles on the stack may exceed. */
#define STACK_BYTES (2 * 1024 * 1024)

/* How long a thread of Python waits before it looks for signals. */
#define WHILE_MS 50

#if defined(_WIN32)
#    define WIN32_LEAN_AND_MEAN
#    include <process.h>
#    include <stdint.h>
#    include <windows.h>

typedef SRWLOCK mutex;
typedef CONDITION_VARIABLE condition;
#    define MUTEX_INITIALIZER SRWLOCK_INIT

static inline void init_mutex(mutex *m) { InitializeSRWLock(m); }
static inline void lock(mutex *m) { AcquireSRWLockExclusive(m); }
static inline void unlock(mutex *m) { ReleaseSRWLockExclusive(m); }
static inline void destroy_mutex(mutex *m) { (void)m; }

static inline void init_condition(condition *c) { InitializeConditionVariable(c); }
static inline void wait_for(condition *c, mutex *m) { SleepConditionVariableSRW(c, m, INFINITE, 0); }
static inline void wait_for_a_while(condition *c, mutex *m) { SleepConditionVariableSRW(c, m, WHILE_MS, 0); }
static inline void wake_one(condition *c) { WakeConditionVariable(c); }
static inline void wake_all(condition *c) { WakeAllConditionVariable(c); }
static inline void destroy_condition(condition *c) { (void)c; }

static inline void give_way(void) { SwitchToThread(); }

#    define THREAD_FUNCTION(name, argument) static unsigned __stdcall name(void *argument)
static inline int start_thread(unsigned(__stdcall *function)(void *), void *argument) {
    uintptr_t thread = _beginthreadex(NULL, STACK_BYTES, function, argument, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (thread == 0) return 0;
    CloseHandle((HANDLE)thread);
    return 1;
}

/* Windows has no fork. */
static inline int after_fork_in_child(void (*function)(void)) {
    (void)function;
    return 1;
}

static inline int32_t bound_processors(void) {
    DWORD_PTR own, all;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &own, &all) || own == all) return 0;
    return (int32_t)__builtin_popcountll(own);
}

#else
#    define _POSIX_C_SOURCE 200809L /* the C standard alone has no signal masks */
#    include <pthread.h>
#    include <sched.h>
#    include <signal.h>
#    include <stdint.h>
#    include <time.h>

typedef pthread_mutex_t mutex;
typedef pthread_cond_t condition;
#    define MUTEX_INITIALIZER PTHREAD_MUTEX_INITIALIZER

static inline void init_mutex(mutex *m) { pthread_mutex_init(m, NULL); }
static inline void lock(mutex *m) { pthread_mutex_lock(m); }
static inline void unlock(mutex *m) { pthread_mutex_unlock(m); }
static inline void destroy_mutex(mutex *m) { pthread_mutex_destroy(m); }

static inline void init_condition(condition *c) { pthread_cond_init(c, NULL); }
static inline void wait_for(condition *c, mutex *m) { pthread_cond_wait(c, m); }
static inline void wait_for_a_while(condition *c, mutex *m) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += WHILE_MS * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000L;
    end.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(c, m, &end);
}
static inline void wake_one(condition *c) { pthread_cond_signal(c); }
static inline void wake_all(condition *c) { pthread_cond_broadcast(c); }
static inline void destroy_condition(condition *c) { pthread_cond_destroy(c); }

static inline void give_way(void) { sched_yield(); }

#    define THREAD_FUNCTION(name, argument) static void *name(void *argument)
static inline int start_thread(void *(*function)(void *), void *argument) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all); /* signals are for Python's own threads, except those of a crash in this one */
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) sigdelset(&all, crashes[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, &attributes, function, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return !failed;
}

static inline int after_fork_in_child(void (*function)(void)) { return pthread_atfork(NULL, NULL, function) == 0; }

/* On Linux, Python has os.sched_getaffinity; macOS binds no process. */
static inline int32_t bound_processors(void) { return 0; }
#endif

#if defined(__x86_64__) || defined(__i386__)
#    include <immintrin.h>
#    define PAUSE() _mm_pause()
#elif defined(__aarch64__)
#    define PAUSE() __asm__ volatile("yield")
#else
#    define PAUSE() ((void)0)
#endif

/* How often a waiting thread checks before it goes to sleep: some 50 microseconds, longer than an op usually keeps the others waiting.
 * It is not more, because with more threads than cores the awaited thread may be the one that cannot run. */
#define SPINS 1500

#endif
