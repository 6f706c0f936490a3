// NEON with I8MM and BF16 (Neoverse V1, V2, N2).
#if defined(__aarch64__)
#include <arm_neon.h>
#include <stddef.h>

#include "scalar.h"
#include "tables.h"

#pragma clang attribute push(__attribute__((target("+dotprod,+i8mm,+bf16"))), apply_to = function)

#define CK_TILE_ROWS 6
#define CK_TILE_VECTORS 1  // 24 sums, 4 weights, 1 value of 32 registers
#define CK_NEON_DOT 1
#define CK_NEON_BF16 1

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
        vusdotq_s32(sums[i], rows[i], weights[i]);
    memcpy(&sum, sums, sizeof sum);
    return sum;
}

typedef float dot_floats __attribute__((ext_vector_type(16)));

static inline __attribute__((always_inline)) dot_floats neon_bf16(dot_floats sum, dot_words a, dot_words b) {
    float32x4_t sums[4];
    bfloat16x8_t rows[4], weights[4];
    memcpy(sums, &sum, sizeof sums);
    memcpy(rows, &a, sizeof rows);
    memcpy(weights, &b, sizeof weights);
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; i++) sums[i] =
        vbfdotq_f32(sums[i], weights[i], rows[i]);
    memcpy(&sum, sums, sizeof sum);
    return sum;
}

#include "vector_tables.h"

const ck_table ck_neon_bf16_table = CK_TABLE("neon_bf16");

#pragma clang attribute pop
#endif
