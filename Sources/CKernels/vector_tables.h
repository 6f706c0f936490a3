// One table: the portable vectors, compiled for the instruction set that the including file has opened.
#include "vector.h"

#include "vector_rows.h"

#include "vector_heads.h"

#include "vector_linear.h"

#include "vector_attention.h"

#define CK_TABLE(NAME)                                                                                 \
    {                                                                                                  \
        .name = NAME, .linear_f32 = linear_f32, .linear_bf16 = linear_bf16, .linear_int8 = linear_int8, \
        .attention_f32 = attention_f32, .attention_bf16 = attention_bf16, .layer_norm = layer_norm,    \
        .rms_norm = rms_norm, .gate = gate, .heads = heads, .quantize = quantize, .narrow = narrow,    \
        .activate = activate, .exercise = exercise,                                                    \
    }
