// AVX2 with FMA and F16C.
#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>

#include "scalar.h"
#include "tables.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define CK_TILE_ROWS 6
#define CK_TILE_VECTORS 1  // 12 sums, 2 weights, 1 value of 16 registers
#define CK_NATIVE_MADD 1

typedef int32_t madd_sums __attribute__((ext_vector_type(16)));
typedef uint32_t madd_words __attribute__((ext_vector_type(16)));

// Even and odd bytes apart, as 16-bit numbers, so that nothing saturates.
#pragma clang diagnostic ignored "-Wpsabi"
static inline __attribute__((always_inline)) madd_sums madd_int8(madd_sums sum, madd_words a, madd_words b) {
    typedef int32_t half __attribute__((ext_vector_type(8)));
    half parts[2];
    const __m256i low = _mm256_set1_epi16(0xff);
    const __m256i values[2] = {(__m256i)a.lo, (__m256i)a.hi}, weights[2] = {(__m256i)b.lo, (__m256i)b.hi};
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 2; i++) {
        __m256i even = _mm256_madd_epi16(
            _mm256_and_si256(values[i], low), _mm256_srai_epi16(_mm256_slli_epi16(weights[i], 8), 8));
        __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(values[i], 8), _mm256_srai_epi16(weights[i], 8));
        parts[i] = (half)_mm256_add_epi32(even, odd);
    }
    return sum + (madd_sums)__builtin_shufflevector(
                     parts[0], parts[1], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
#include "vector_tables.h"

const ck_table ck_avx2_table = CK_TABLE("avx2");

#pragma clang attribute pop
#endif
