// NEON with dot products of bytes (Neoverse N1, Apple M1).
#if defined(__aarch64__)
#include <arm_neon.h>
#include <stddef.h>

#include "scalar.h"
#include "tables.h"

#pragma clang attribute push(__attribute__((target("+dotprod"))), apply_to = function)

#define CK_TILE_ROWS 6
#define CK_TILE_VECTORS 1  // 24 sums, 4 weights, 1 value of 32 registers
#define CK_NEON_DOT 1
// SDOT takes signed bytes: rows are shifted by 128, and the zero point with them.
#define CK_ROW_SHIFT 128

#pragma clang diagnostic ignored "-Wpsabi"
typedef int32_t dot_sums __attribute__((ext_vector_type(16)));
typedef uint32_t dot_words __attribute__((ext_vector_type(16)));

static inline __attribute__((always_inline)) dot_sums neon_int8(dot_sums sum, dot_words a, dot_words b) {
    int32x4_t sums[4];
    uint8x16_t rows[4];
    int8x16_t weights[4];
    memcpy(sums, &sum, sizeof sums);
    memcpy(rows, &a, sizeof rows);
    memcpy(weights, &b, sizeof weights);
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; i++) sums[i] =
        vdotq_s32(sums[i], vreinterpretq_s8_u8(veorq_u8(rows[i], vdupq_n_u8(0x80))), weights[i]);
    memcpy(&sum, sums, sizeof sum);
    return sum;
}

#include "vector_tables.h"

const ck_table ck_neon_dot_table = CK_TABLE("neon_dot");

#pragma clang attribute pop
#endif
