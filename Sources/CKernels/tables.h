// The tables compiled in on this architecture.
#ifndef CK_TABLES_H
#define CK_TABLES_H
#include "ckernels.h"
extern const ck_table ck_reference_table;
#if defined(__x86_64__)
extern const ck_table ck_avx2_table, ck_avx512_table, ck_avx512_vnni_table, ck_avx512_bf16_table;
#elif defined(__aarch64__)
extern const ck_table ck_neon_table, ck_neon_dot_table, ck_neon_bf16_table;
#endif
#endif
