/* Says which instructions there are. Compiled for any processor. */
#include "kernels.h"

enum { LEVEL_NONE, LEVEL_V3, LEVEL_AVX512, LEVEL_DOTPROD };

#if defined __x86_64__

int moetier_level(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) {
        return LEVEL_NONE;
    }
    int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
                 __builtin_cpu_supports("avx512bf16");
    return avx512 ? LEVEL_AVX512 : LEVEL_V3;
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
