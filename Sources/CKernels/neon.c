// NEON of ARMv8.0.
#if defined(__aarch64__)
#include <arm_neon.h>
#include <stddef.h>

#include "scalar.h"
#include "tables.h"

#pragma clang attribute push(__attribute__((target("+simd"))), apply_to = function)

#define CK_TILE_ROWS 6
#define CK_TILE_VECTORS 1  // 24 sums, 4 weights, 1 value of 32 registers

#include "vector_tables.h"

const ck_table ck_neon_table = CK_TABLE("neon");

#pragma clang attribute pop
#endif
