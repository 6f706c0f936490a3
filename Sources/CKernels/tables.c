// Which tables this processor, and the system that saves its registers, can run.
#include "tables.h"

#include <string.h>

typedef struct {
    const ck_table *table;
    unsigned needs;
} candidate;

#if defined(__x86_64__)
#include <cpuid.h>

enum { AVX2 = 1, AVX512 = 2, BF16 = 4, VNNI = 8 };

static unsigned features(void) {
    unsigned a, b, c, d, found = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    int saves = (c >> 27) & 1, fma = (c >> 12) & 1, f16c = (c >> 29) & 1;
    if (!saves) return 0;
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    if ((low & 6) == 6 && fma && f16c && ((b >> 5) & 1)) found |= AVX2;
    unsigned foundation = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
    if ((found & AVX2) && (low & 0xe6) == 0xe6 && (b & foundation) == foundation) {
        found |= AVX512;
        if ((c >> 11) & 1) found |= VNNI;
        if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && ((a >> 5) & 1)) found |= BF16;
    }
    return found;
}

static const candidate candidates[] = {
    {&ck_avx512_bf16_table, AVX512 | VNNI | BF16},
    {&ck_avx512_vnni_table, AVX512 | VNNI},
    {&ck_avx512_table, AVX512},
    {&ck_avx2_table, AVX2},
    {&ck_reference_table, 0},
};
#elif defined(__aarch64__)
enum { DOT = 1, I8MM = 2, BF16 = 4 };

#if defined(__linux__)
#include <sys/auxv.h>

static unsigned features(void) {
    unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
    unsigned found = 0;
    if ((first >> 20) & 1) found |= DOT;    // HWCAP_ASIMDDP
    if ((second >> 13) & 1) found |= I8MM;  // HWCAP2_I8MM
    if ((second >> 14) & 1) found |= BF16;  // HWCAP2_BF16
    return found;
}
#else
static unsigned features(void) { return DOT; }  // every Apple processor that runs macOS
#endif

static const candidate candidates[] = {
    {&ck_neon_bf16_table, DOT | I8MM | BF16},
    {&ck_neon_dot_table, DOT},
    {&ck_neon_table, 0},
    {&ck_reference_table, 0},
};
#else
static unsigned features(void) { return 0; }

static const candidate candidates[] = {{&ck_reference_table, 0}};
#endif

static const size_t count = sizeof candidates / sizeof candidates[0];

const char *ck_table_name(size_t index) { return index < count ? candidates[index].table->name : NULL; }

const ck_table *ck_table_named(const char *name) {
    unsigned found = features();
    for (size_t i = 0; i < count; i++)
        if (strcmp(candidates[i].table->name, name) == 0)
            return (candidates[i].needs & ~found) == 0 ? candidates[i].table : NULL;
    return NULL;
}
