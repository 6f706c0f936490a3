// AVX2 with FMA and F16C: the portable vectors compiled for it.
#if defined(__x86_64__)
#include "scalar.h"
#include "tables.h"

#include <stddef.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define CK_TILE_ROWS 6
#define CK_TILE_VECTORS 1  // 12 sums, 2 weights, 1 value of 16 registers
#include "vector.h"
#include "vector_f32.h"

const ck_table ck_avx2_table = {
    .name = "avx2",
    .linear_f32 = linear_f32,
    .linear_bf16 = ck_reference_linear_bf16,
    .linear_int8 = ck_reference_linear_int8,
    .attention_f32 = attention_f32,
    .attention_bf16 = ck_reference_attention_bf16,
    .layer_norm = layer_norm,
    .quantize = ck_reference_quantize,
    .narrow = narrow,
    .activate = activate,
};

#pragma clang attribute pop
#endif
