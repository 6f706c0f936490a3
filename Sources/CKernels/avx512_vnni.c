// AVX-512 with VNNI: eight-bit products four at a time (Cascade Lake, Ice Lake).
#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>

#include "scalar.h"
#include "tables.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,avx512vnni"))), apply_to = function)

#define CK_TILE_ROWS 6
#define CK_TILE_VECTORS 4  // 24 sums, 4 weights, 1 or 2 values of 32 registers
#define CK_NATIVE_VNNI 1
#include "vector_tables.h"

const ck_table ck_avx512_vnni_table = CK_TABLE("avx512_vnni");

#pragma clang attribute pop
#endif
