/* A level may be used only if the machine has every instruction that its -march lets the compiler emit. The lists are those of the
 * x86-64 psABI. The CPU itself is asked, because __builtin_cpu_supports knows different names in each version of GCC and Clang. */
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#    define _DEFAULT_SOURCE /* the C standard alone has no `syscall` */
#endif
#include "cpu.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#if defined(__linux__) && defined(__x86_64__)
#    include <sys/syscall.h>
#    include <unistd.h>
#endif

#if defined(__x86_64__)
#    include <cpuid.h>

typedef struct features {
    uint32_t basic;       /* leaf 1, ecx */
    uint32_t structured;  /* leaf 7, ebx */
    uint32_t extended;    /* leaf 0x80000001, ecx */
    uint32_t saved_state; /* registers that the operating system saves for each thread: low half of XCR0 */
} features;

#    define BIT(n) (UINT32_C(1) << (n))
/* Each level needs what the levels before it need, and this. */
static const struct {
    const char *name;
    features added;
} x86_levels[] = {
    /* clang-format off */
    {"v3", {
        .basic = BIT(0) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(23)    /* SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT */
               | BIT(12) | BIT(22) | BIT(27) | BIT(28) | BIT(29),           /* FMA, MOVBE, OSXSAVE, AVX, F16C */
        .structured = BIT(3) | BIT(5) | BIT(8),                             /* BMI1, AVX2, BMI2 */
        .extended = BIT(0) | BIT(5),                                        /* LAHF and SAHF, LZCNT */
        .saved_state = BIT(1) | BIT(2),                                     /* XMM, YMM */
    }},
    {"v4", {
        .structured = BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31), /* AVX512F, DQ, CD, BW, VL */
        .saved_state = BIT(5) | BIT(6) | BIT(7),                       /* mask registers, upper halves of ZMM0-15, ZMM16-31 */
    }},
    /* clang-format on */
};

static features this_machine(void) {
    features has = {0};
    uint32_t a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d)) has.basic = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) has.structured = b;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) has.extended = c;
    if (has.basic & BIT(27)) __asm__("xgetbv" : "=a"(has.saved_state), "=d"(d) : "c"(0)); /* the instruction exists only with OSXSAVE */
    return has;
}

static int has_all(features has, features wanted) {
    return !(wanted.basic & ~has.basic) && !(wanted.structured & ~has.structured) && !(wanted.extended & ~has.extended) &&
           !(wanted.saved_state & ~has.saved_state);
}

static int is_x86_level(const char *name) {
    features has = this_machine();
    for (size_t i = 0; i < sizeof x86_levels / sizeof *x86_levels && has_all(has, x86_levels[i].added); i++)
        if (strcmp(x86_levels[i].name, name) == 0) return 1;
    return 0;
}
#endif

int nnc_machine_has_bfloat16(void) {
#if defined(__x86_64__)
    uint32_t a, b, c, d;
    return is_x86_level("v4") && __get_cpuid_count(7, 0, &a, &b, &c, &d) && a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
           (a & BIT(5));
#else
    return 0;
#endif
}

int nnc_machine_can_run(const char *level) {
    if (strcmp(level, "portable") == 0) return 1;
#if defined(__x86_64__)
    return is_x86_level(level);
#else
    return 0;
#endif
}

int nnc_machine_has_vnni(void) {
#if defined(__x86_64__)
    static _Atomic int known = -1; /* cached: a virtual machine asks its host, which takes longer than a small product */
    int has = known;
    if (has < 0) {
        uint32_t a, b, c = 0, d;
        has = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & BIT(11)) && is_x86_level("v4");
        known = has;
    }
    return has;
#else
    return 0;
#endif
}

#if defined(__linux__) && defined(__x86_64__)
/* arch_prctl's request for a register state that Linux keeps only for processes that ask for it, and the number of the tiles' data. */
#    define ARCH_REQ_XCOMP_PERM 0x1023
#    define TILE_DATA 18

/* Asks Linux for AMX. It refuses if a thread has an alternate signal stack that is too small for the tiles. */
static int is_given_amx(void) {
    const uint32_t tiles = BIT(17) | BIT(TILE_DATA); /* of the saved state: their shapes, their data */
    const uint32_t wanted = BIT(22) | BIT(24);       /* AMX-BF16, AMX-TILE */
    uint32_t a, b, c, d = 0;
    return nnc_machine_has_bfloat16() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & wanted) == wanted &&
           (this_machine().saved_state & tiles) == tiles && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
}
#else
static int is_given_amx(void) { return 0; }
#endif

static _Atomic int uses_amx = -1;

int nnc_uses_amx(void) {
    int known = uses_amx;
    if (known >= 0) return known;
    int given = is_given_amx();
    return atomic_compare_exchange_strong(&uses_amx, &known, given) ? given : known; /* the first answer counts: no sum changes its order */
}

int nnc_use_amx(int wanted) {
    uses_amx = wanted && is_given_amx();
    return uses_amx;
}
