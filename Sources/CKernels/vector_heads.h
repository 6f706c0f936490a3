// Gated feed-forward rows, and the norms and rotary positions of attention heads, over `vector.h`.

INLINE v16 load_number16(const void *x, ck_dtype dtype, size_t i) {
    return dtype == CK_BF16 ? widen16(*(const h16_any *)((const uint16_t *)x + i)) : load16((const float *)x + i);
}

INLINE void store_number16(void *x, ck_dtype dtype, size_t i, v16 y) {
    if (dtype == CK_BF16) *(h16_any *)((uint16_t *)x + i) = narrow16(y);
    else store16((float *)x + i, y);
}

// `count` (1 to 15) numbers; the other lanes are zero.
INLINE v16 load_numbers(const void *x, ck_dtype dtype, size_t at, size_t count) {
    if (dtype == CK_F32) return load_part((const float *)x + at, count, 0.0f);
    float lanes[16] = {0};
    for (size_t i = 0; i < count; i++) lanes[i] = ck_bf16_float(((const uint16_t *)x)[at + i]);
    return load16(lanes);
}

INLINE void store_numbers(void *x, ck_dtype dtype, size_t at, v16 y, size_t count) {
    if (dtype == CK_F32) {
        store_part((float *)x + at, y, count);
        return;
    }
    h16 half = narrow16(y);
    for (size_t i = 0; i < count; i++) ((uint16_t *)x)[at + i] = half[i];
}

// `dtype` and `activation` are known where this is inlined.
INLINE void gate_rows(const ck_gating *op, ck_dtype dtype, ck_activation activation) {
    for (size_t row = 0; row < op->rows; row++) {
        size_t at = row * op->stride, c = 0;
        for (; c + 16 <= op->columns; c += 16) {
            v16 x = activated16(load_number16(op->x, dtype, at + op->gate + c), activation, dtype);
            store_number16(op->x, dtype, at + c, x * load_number16(op->x, dtype, at + op->up + c));
        }
        size_t rest = op->columns - c;
        if (!rest) continue;
        v16 x = activated16(load_numbers(op->x, dtype, at + op->gate + c, rest), activation, dtype);
        store_numbers(op->x, dtype, at + c, x * load_numbers(op->x, dtype, at + op->up + c, rest), rest);
    }
}

static void gate(const ck_gating *op) {
    switch (op->activation) {
#define CASE(A)                                                                                        \
    case A:                                                                                            \
        if (op->dtype == CK_BF16) gate_rows(op, CK_BF16, A);                                           \
        else gate_rows(op, CK_F32, A);                                                                 \
        break;
        CASE(CK_IDENTITY)
        CASE(CK_GELU)
        CASE(CK_GELU_TANH)
        CASE(CK_RELU)
        CASE(CK_SILU)
        CASE(CK_QUICK_GELU)
        CASE(CK_TANH)
        CASE(CK_SIGMOID)
#undef CASE
    }
}

// The rotation of one head's first columns.
INLINE void rotate_head(const ck_heads *op, const float *cosine, const float *sine, float *x) {
    size_t half = op->rotary / 2, i = 0;
    for (; !op->is_interleaved && i + 16 <= half; i += 16) {
        v16 a = load16(x + i), b = load16(x + half + i), c = load16(cosine + i), s = load16(sine + i);
        store16(x + i, fma16(a, c, -(b * s)));
        store16(x + half + i, fma16(b, c, a * s));
    }
    for (; i < half; i++) {
        float *first = x + (op->is_interleaved ? 2 * i : i);
        float *second = x + (op->is_interleaved ? 2 * i + 1 : i + half);
        float a = *first, b = *second;
        *first = fmaf(a, cosine[i], -(b * sine[i]));
        *second = fmaf(b, cosine[i], a * sine[i]);
    }
}

// One head through a copy in float32, so that a bfloat16 number is rounded once.
INLINE void prepare_heads(const ck_heads *op, ck_dtype dtype) {
    float x[CK_HEAD_MAXIMUM];
    size_t half = op->rotary / 2, whole = op->head_size / 16 * 16, rest = op->head_size - whole;
    ck_norm norm = {
        .x = x, .rows = 1, .columns = op->head_size, .gain = op->gain, .shift = op->shift,
        .epsilon = op->epsilon, .out = x,
    };
    for (size_t row = 0; row < op->rows; row++)
        for (size_t head = 0; head < op->heads; head++) {
            size_t at = row * op->stride + head * op->head_size;
            for (size_t i = 0; i < whole; i += 16) store16(x + i, load_number16(op->x, dtype, at + i));
            if (rest) store_part(x + whole, load_numbers(op->x, dtype, at + whole, rest), rest);
            if (op->gain) {
                if (op->is_centred) layer_norm(&norm);
                else rms_norm(&norm);
            }
            if (op->cosine) rotate_head(op, op->cosine + row * half, op->sine + row * half, x);
            for (size_t i = 0; i < whole; i += 16) store_number16(op->x, dtype, at + i, load16(x + i));
            if (rest) store_numbers(op->x, dtype, at + whole, load_part(x + whole, rest, 0.0f), rest);
        }
}

static void heads(const ck_heads *op) {
    if (op->dtype == CK_BF16) prepare_heads(op, CK_BF16);
    else prepare_heads(op, CK_F32);
}
