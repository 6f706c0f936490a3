// Coefficients of the elementary functions.
#ifndef CK_CONSTANTS_H
#define CK_CONSTANTS_H

#define CK_LOG2E 1.44269504088896341f
#define CK_MAGIC 12582912.0f  // 1.5 * 2^23: adding it rounds to a whole number
#define CK_LN2_HIGH 0.693145751953125f
#define CK_LN2_LOW 1.42860677e-06f
#define CK_EXP_MAX 88.3f
#define CK_EXP_MIN -87.3f
// e^r = 1 + r + r^2 (C2 + C3 r + ...) on abs(r) <= ln 2 / 2, minimax by iterated least squares: 3e-9.
#define CK_EXP_2 0.5f
#define CK_EXP_3 0.166665183f
#define CK_EXP_4 0.0416662042f
#define CK_EXP_5 0.00836895395f
#define CK_EXP_6 0.00139505978f

// 2^r on abs(r) <= 1/2, minimax relative: 1e-4.
#define CK_EXP2_1 0.693282932f
#define CK_EXP2_2 0.242210968f
#define CK_EXP2_3 0.0550089044f

// erf(x) ~ x P(x^2) / Q(x^2) on [-4, 4] (Eigen, MathFunctionsImpl.h).
#define CK_ERF_P1 -1.60960333262415e-02f
#define CK_ERF_P3 -2.95459980854025e-03f
#define CK_ERF_P5 -7.34990630326855e-04f
#define CK_ERF_P7 -5.69250639462346e-05f
#define CK_ERF_P9 -2.10102402082508e-06f
#define CK_ERF_P11 2.77068142495902e-08f
#define CK_ERF_P13 -2.72614225801306e-10f
#define CK_ERF_Q0 -1.42647390514189e-02f
#define CK_ERF_Q2 -7.37332916720468e-03f
#define CK_ERF_Q4 -1.68282697438203e-03f
#define CK_ERF_Q6 -2.13374055278905e-04f
#define CK_ERF_Q8 -1.45660718464996e-05f

// GELU for numbers that become bfloat16: x times 1/2 + t P(t^2), with t = x within [-BOUND, BOUND], where that is
// 0 and 1 to the bit, when the product is rounded before it is added. Minimax of the whole: within 5e-5 of GELU, and of
// its form by tanh.
#define CK_GELU_BOUND 4.4000001f
#define CK_GELU_P \
    {0.398761541f, -0.0660764799f, 0.00964304246f, -0.00105499395f, 8.42929949e-05f, -4.72485408e-06f, \
     1.74083624e-07f, -3.75401177e-09f, 3.5693816e-11f}
#define CK_GELU_TANH_BOUND 4.25000191f
#define CK_GELU_TANH_P \
    {0.398787707f, -0.0664529428f, 0.00990480091f, -0.00112864166f, 9.54711286e-05f, -5.72209274e-06f, \
     2.26464948e-07f, -5.25372412e-09f, 5.37446199e-11f}

#define CK_SQRT_HALF 0.70710678118654752f
#define CK_GELU_TANH_A 0.79788456080286536f
#define CK_GELU_TANH_B 0.044715f

#endif
