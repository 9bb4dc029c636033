/* Says which instructions there are. Compiled for any processor. */
#include "kernels.h"

enum { LEVEL_NONE, LEVEL_V3, LEVEL_AVX512, LEVEL_DOTPROD, LEVEL_AMX };

#if defined __x86_64__

#include <cpuid.h>

#ifdef __linux__

#include <sys/syscall.h>
#include <unistd.h>

#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA 18

/* The kernel lets a process use the matrix registers once it has asked. */
static int may_use_matrices(void) {
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

#else

static int may_use_matrices(void) {
    return 0;
}

#endif

static int has_matrices(void) {
    const unsigned needed = 1U << 24 | 1U << 25; /* AMX-TILE, AMX-INT8 */
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & needed) == needed;
}

/* What x86-64-v3 has beside AVX2, FMA and BMI2, and not every compiler can ask for by name. */
static int has_rest_of_v3(void) {
    const unsigned movbe = 1U << 22, f16c = 1U << 29, bmi1 = 1U << 3, lzcnt = 1U << 5;
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & movbe) && (c & f16c) && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (b & bmi1) && __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & lzcnt);
}

int moetier_level(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2") ||
        !has_rest_of_v3()) {
        return LEVEL_NONE;
    }
    int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
                 __builtin_cpu_supports("avx512bf16");
    if (!avx512) {
        return LEVEL_V3;
    }
    return has_matrices() && may_use_matrices() ? LEVEL_AMX : LEVEL_AVX512;
}

#elif defined __aarch64__ && defined __linux__

#include <asm/hwcap.h>
#include <sys/auxv.h>

int moetier_level(void) {
    const unsigned long needed = HWCAP_ASIMDDP | HWCAP_ASIMDHP;
    return (getauxval(AT_HWCAP) & needed) == needed ? LEVEL_DOTPROD : LEVEL_NONE;
}

#elif defined __aarch64__ && defined __APPLE__

/* Every processor of this kind has them. */
int moetier_level(void) {
    return LEVEL_DOTPROD;
}

#else

int moetier_level(void) {
    return LEVEL_NONE;
}

#endif
