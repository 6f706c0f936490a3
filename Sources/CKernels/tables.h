// The tables compiled in on this architecture.
#ifndef CK_TABLES_H
#define CK_TABLES_H
#include "ckernels.h"
extern const ck_table ck_reference_table;
void ck_reference_linear_bf16(const ck_linear *);
void ck_reference_linear_int8(const ck_linear *);
void ck_reference_attention_bf16(const ck_attention *);
void ck_reference_quantize(const ck_quantize *);
#if defined(__x86_64__)
extern const ck_table ck_avx2_table, ck_avx512_table;
#elif defined(__aarch64__)
extern const ck_table ck_neon_table;
#endif
#endif
