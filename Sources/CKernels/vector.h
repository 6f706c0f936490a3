// Sixteen floats at a time, in the compiler's portable vectors: one zmm, two ymm, or four q registers. The
// tables of each instruction set are this one source compiled for it, so they give the same bits.
//
// The including file sets CK_TILE_VECTORS (how many vectors of a panel one register tile spans) and opens the
// target attribute.
#include <stdint.h>

// These functions are always inlined, so how they would pass vectors does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))

typedef float v16 __attribute__((ext_vector_type(16)));
typedef float v8 __attribute__((ext_vector_type(8)));
typedef float v4 __attribute__((ext_vector_type(4)));
typedef float v2 __attribute__((ext_vector_type(2)));
typedef float v16_any __attribute__((ext_vector_type(16), aligned(4)));
typedef int32_t i16 __attribute__((ext_vector_type(16)));
typedef uint32_t u16v __attribute__((ext_vector_type(16)));
typedef uint16_t h16 __attribute__((ext_vector_type(16)));
typedef uint16_t h16_any __attribute__((ext_vector_type(16), aligned(2)));
typedef int32_t i16_any __attribute__((ext_vector_type(16), aligned(4)));
typedef uint8_t b16 __attribute__((ext_vector_type(16)));
typedef uint8_t b16_any __attribute__((ext_vector_type(16), aligned(1)));

INLINE v16 load16(const float *p) { return *(const v16_any *)p; }
INLINE void store16(float *p, v16 x) { *(v16_any *)p = x; }
INLINE v16 splat(float x) { return (v16)(x); }
INLINE v16 fma16(v16 a, v16 b, v16 c) { return __builtin_elementwise_fma(a, b, c); }
INLINE v16 max16(v16 a, v16 b) { return a > b ? a : b; }
INLINE v16 min16(v16 a, v16 b) { return a < b ? a : b; }

// The first `count` (1 to 15) floats at p, `rest` in the other lanes; nothing past them is read.
INLINE v16 load_part(const float *p, size_t count, float rest) {
    float lanes[16];
    for (size_t i = 0; i < 16; i++) lanes[i] = i < count ? p[i] : rest;
    return load16(lanes);
}

INLINE void store_part(float *p, v16 x, size_t count) {
    float lanes[16];
    store16(lanes, x);
    for (size_t i = 0; i < count; i++) p[i] = lanes[i];
}

INLINE float fold_sum(v16 x) {
    v8 a = x.lo + x.hi;
    v4 b = a.lo + a.hi;
    v2 c = b.lo + b.hi;
    return c.x + c.y;
}

INLINE float fold_max(v16 x) {
    v8 a = x.lo > x.hi ? x.lo : x.hi;
    v4 b = a.lo > a.hi ? a.lo : a.hi;
    v2 c = b.lo > b.hi ? b.lo : b.hi;
    return c.x > c.y ? c.x : c.y;
}

INLINE float fold_min(v16 x) {
    v8 a = x.lo < x.hi ? x.lo : x.hi;
    v4 b = a.lo < a.hi ? a.lo : a.hi;
    v2 c = b.lo < b.hi ? b.lo : b.hi;
    return c.x < c.y ? c.x : c.y;
}

INLINE u16v bits_of(v16 x) { return (u16v)x; }
INLINE v16 of_bits(u16v x) { return (v16)x; }

INLINE v16 exp16(v16 x) {
    x = min16(x, splat(CK_EXP_MAX));
    v16 shifted = fma16(x, splat(CK_LOG2E), splat(CK_MAGIC));
    v16 n = shifted - CK_MAGIC;
    v16 r = fma16(n, splat(-CK_LN2_HIGH), x);
    r = fma16(n, splat(-CK_LN2_LOW), r);
    v16 p = splat(CK_EXP_6);
    p = fma16(p, r, splat(CK_EXP_5));
    p = fma16(p, r, splat(CK_EXP_4));
    p = fma16(p, r, splat(CK_EXP_3));
    p = fma16(p, r, splat(CK_EXP_2));
    p = fma16(p, r, splat(1.0f));
    p = fma16(p, r, splat(1.0f));
    v16 y = of_bits(bits_of(p) + (bits_of(shifted) << 23));
    return x < CK_EXP_MIN ? splat(0.0f) : y;
}

INLINE v16 erf16(v16 x) {
    x = max16(x, splat(-4.0f));
    x = min16(x, splat(4.0f));
    v16 s = x * x;
    v16 p = splat(CK_ERF_P13);
    p = fma16(p, s, splat(CK_ERF_P11));
    p = fma16(p, s, splat(CK_ERF_P9));
    p = fma16(p, s, splat(CK_ERF_P7));
    p = fma16(p, s, splat(CK_ERF_P5));
    p = fma16(p, s, splat(CK_ERF_P3));
    p = fma16(p, s, splat(CK_ERF_P1));
    p = p * x;
    v16 q = splat(CK_ERF_Q8);
    q = fma16(q, s, splat(CK_ERF_Q6));
    q = fma16(q, s, splat(CK_ERF_Q4));
    q = fma16(q, s, splat(CK_ERF_Q2));
    q = fma16(q, s, splat(CK_ERF_Q0));
    return p / q;
}

INLINE v16 tanh16(v16 x) {
    x = min16(x, splat(10.0f));
    x = max16(x, splat(-10.0f));
    return 1.0f - 2.0f / (exp16(2.0f * x) + 1.0f);
}

INLINE v16 sigmoid16(v16 x) { return 1.0f / (1.0f + exp16(-x)); }

INLINE v16 gelu_short16(v16 x, float bound, const float p[9]) {
    v16 t = min16(max16(x, splat(-bound)), splat(bound));
    v16 s = t * t, y = splat(p[8]);
    _Pragma("clang loop unroll(full)") for (int i = 7; i >= 0; i--) y = fma16(y, s, splat(p[i]));
    return x * (y * t + 0.5f);
}

// The activation of numbers that become `dtype`.
INLINE v16 activated16(v16 x, ck_activation activation, ck_dtype dtype) {
    static const float erf_form[9] = CK_GELU_P, tanh_form[9] = CK_GELU_TANH_P;
    if (dtype == CK_BF16) {
        if (activation == CK_GELU) return gelu_short16(x, CK_GELU_BOUND, erf_form);
        if (activation == CK_GELU_TANH) return gelu_short16(x, CK_GELU_TANH_BOUND, tanh_form);
    }
    switch (activation) {
    case CK_IDENTITY: return x;
    case CK_GELU: return 0.5f * x * (1.0f + erf16(x * CK_SQRT_HALF));
    case CK_GELU_TANH: {
        v16 inner = CK_GELU_TANH_A * fma16(CK_GELU_TANH_B * x * x, x, x);
        return 0.5f * x * (1.0f + tanh16(inner));
    }
    case CK_RELU: return max16(x, splat(0.0f));
    case CK_SILU: return x * sigmoid16(x);
    case CK_QUICK_GELU: return x * sigmoid16(1.702f * x);
    case CK_TANH: return tanh16(x);
    case CK_SIGMOID: return sigmoid16(x);
    }
    return x;
}

// To nearest, ties to even; NaN stays NaN.
INLINE h16 narrow16(v16 x) {
#if defined(CK_NATIVE_BF16)
    return (h16)_mm512_cvtneps_pbh((__m512)x);
#else
    u16v bits = bits_of(x);
    u16v rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    u16v nan = (bits >> 16) | 0x40u;
    return __builtin_convertvector((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded, h16);
#endif
}

INLINE v16 widen16(h16 x) { return of_bits(__builtin_convertvector(x, u16v) << 16); }

INLINE u16v load_words(const void *p) {
    typedef uint32_t any __attribute__((ext_vector_type(16), aligned(1)));
    return *(const any *)p;
}

INLINE void store_words(void *p, u16v x) {
    typedef uint32_t any __attribute__((ext_vector_type(16), aligned(1)));
    *(any *)p = x;
}

// Sixteen rows of sixteen words to sixteen columns: four perfect shuffles of the (row, column) index.
INLINE void transpose16(u16v x[16]) {
    _Pragma("clang loop unroll(full)") for (int stage = 0; stage < 4; stage++) {
        u16v y[16];
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++) {
            y[2 * i] = __builtin_shufflevector(
                x[i], x[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            y[2 * i + 1] = __builtin_shufflevector(
                x[i], x[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i++) x[i] = y[i];
    }
}
