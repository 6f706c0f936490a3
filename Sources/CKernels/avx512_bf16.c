// AVX-512 with BF16 and VNNI (Cooper Lake, Sapphire Rapids, Zen 4): no processor has BF16 alone.
#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>

#include "scalar.h"
#include "tables.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,avx512vnni,avx512bf16"))), apply_to = function)

#define CK_TILE_ROWS 6
#define CK_TILE_VECTORS 4  // 24 sums, 4 weights, 1 or 2 values of 32 registers
#define CK_NATIVE_BF16 1
#define CK_NATIVE_VNNI 1
#include "vector_tables.h"

const ck_table ck_avx512_bf16_table = CK_TABLE("avx512_bf16");

#pragma clang attribute pop
#endif
