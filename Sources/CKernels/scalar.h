// The arithmetic that the tables share, one number at a time. The vector kernels do the same operations in
// the same order, so on float32 every table gives the same bits.
#ifndef CK_SCALAR_H
#define CK_SCALAR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "constants.h"

static inline float ck_bits_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t ck_float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float ck_bf16_float(uint16_t half) { return ck_bits_float((uint32_t)half << 16); }

// To nearest, ties to even; NaN stays NaN.
static inline uint16_t ck_float_bf16(float x) {
    uint32_t bits = ck_float_bits(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((bits >> 16) | 0x40);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

static inline float ck_f16_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, rest = half & 0x7fffu;
    if (rest >= 0x7c00u) return ck_bits_float(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
    if (rest >= 0x400u) return ck_bits_float(sign | ((rest << 13) + (112u << 23)));
    float subnormal = (float)rest * 0x1p-24f;
    return sign ? -subnormal : subnormal;
}

// e^x for x <= 88; below -87.3 the result is 0. Cody and Waite's reduction, a polynomial of degree 6.
static inline float ck_exp(float x) {
    x = x > CK_EXP_MAX ? CK_EXP_MAX : x;
    float shifted = fmaf(x, CK_LOG2E, CK_MAGIC);
    float n = shifted - CK_MAGIC;
    float r = fmaf(n, -CK_LN2_HIGH, x);
    r = fmaf(n, -CK_LN2_LOW, r);
    float p = CK_EXP_6;
    p = fmaf(p, r, CK_EXP_5);
    p = fmaf(p, r, CK_EXP_4);
    p = fmaf(p, r, CK_EXP_3);
    p = fmaf(p, r, CK_EXP_2);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    float y = ck_bits_float(ck_float_bits(p) + (ck_float_bits(shifted) << 23));
    return x >= CK_EXP_MIN ? y : (x < CK_EXP_MIN ? 0.0f : x);
}

// A rational approximation of erf on [-4, 4], where it reaches 1 to float32.
static inline float ck_erf(float x) {
    x = x < -4.0f ? -4.0f : x;
    x = x > 4.0f ? 4.0f : x;
    float s = x * x;
    float p = CK_ERF_P13;
    p = fmaf(p, s, CK_ERF_P11);
    p = fmaf(p, s, CK_ERF_P9);
    p = fmaf(p, s, CK_ERF_P7);
    p = fmaf(p, s, CK_ERF_P5);
    p = fmaf(p, s, CK_ERF_P3);
    p = fmaf(p, s, CK_ERF_P1);
    p = p * x;
    float q = CK_ERF_Q8;
    q = fmaf(q, s, CK_ERF_Q6);
    q = fmaf(q, s, CK_ERF_Q4);
    q = fmaf(q, s, CK_ERF_Q2);
    q = fmaf(q, s, CK_ERF_Q0);
    return p / q;
}

static inline float ck_tanh(float x) {
    // 1 - 2 / (e^2x + 1): its absolute error is a rounding of 1, which is what an activation needs.
    x = x > 10.0f ? 10.0f : x;
    x = x < -10.0f ? -10.0f : x;
    return 1.0f - 2.0f / (ck_exp(2.0f * x) + 1.0f);
}

// x (1/2 + t P(t^2)), with t = x within the bounds: GELU for numbers that become bfloat16.
static inline float ck_gelu_short(float x, float bound, const float p[9]) {
    float t = x < -bound ? -bound : x;
    t = t > bound ? bound : t;
    float s = t * t, y = p[8];
    for (int i = 7; i >= 0; i--) y = fmaf(y, s, p[i]);
    return x * (y * t + 0.5f);
}

static inline float ck_sigmoid(float x) { return 1.0f / (1.0f + ck_exp(-x)); }

#endif
