// AVX-512 (F, BW, DQ, VL).
#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>

#include "scalar.h"
#include "tables.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"))), apply_to = function)

#define CK_TILE_ROWS 6
#define CK_TILE_VECTORS 4  // 24 sums, 4 weights, 1 or 2 values of 32 registers
#define CK_NATIVE_MADD 1

typedef int32_t madd_sums __attribute__((ext_vector_type(16)));
typedef uint32_t madd_words __attribute__((ext_vector_type(16)));

// Even and odd bytes apart, as 16-bit numbers, so that nothing saturates.
static inline __attribute__((always_inline)) madd_sums madd_int8(madd_sums sum, madd_words a, madd_words b) {
    __m512i low = _mm512_set1_epi16(0xff), weights = (__m512i)b;
    __m512i even = _mm512_madd_epi16(
        _mm512_and_si512((__m512i)a, low), _mm512_srai_epi16(_mm512_slli_epi16(weights, 8), 8));
    __m512i odd = _mm512_madd_epi16(_mm512_srli_epi16((__m512i)a, 8), _mm512_srai_epi16(weights, 8));
    return (madd_sums)_mm512_add_epi32((__m512i)sum, _mm512_add_epi32(even, odd));
}
#include "vector_tables.h"

const ck_table ck_avx512_table = CK_TABLE("avx512");

#pragma clang attribute pop
#endif
