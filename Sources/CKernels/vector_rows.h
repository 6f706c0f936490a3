// What works on rows one by one, over `vector.h`: activations, layer norm, and the changes of number type.

// The activation of `count` floats, in place.
INLINE void activate_span(float *x, size_t count, ck_activation activation) {
    size_t i = 0;
    switch (activation) {
#define CASE(A)                                                                                        \
    case A:                                                                                            \
        for (; i + 16 <= count; i += 16) store16(x + i, activated16(load16(x + i), A, CK_F32));               \
        break;
        CASE(CK_GELU)
        CASE(CK_GELU_TANH)
        CASE(CK_RELU)
        CASE(CK_SILU)
        CASE(CK_QUICK_GELU)
        CASE(CK_TANH)
        CASE(CK_SIGMOID)
#undef CASE
    case CK_IDENTITY: return;
    }
    if (i < count)
        store_part(x + i, activated16(load_part(x + i, count - i, 0.0f), activation, CK_F32), count - i);
}

static void activate(float *x, size_t count, ck_activation activation) {
    activate_span(x, count, activation);
}

static void layer_norm(const ck_norm *op) {
    size_t whole = op->columns / 16 * 16, rest = op->columns - whole;
    for (size_t row = 0; row < op->rows; row++) {
        const float *x = op->x + row * op->x_stride;
        v16 sums = splat(0.0f), squares = splat(0.0f);
        for (size_t c = 0; c < whole; c += 16) sums += load16(x + c);
        if (rest) sums += load_part(x + whole, rest, 0.0f);
        float mean = fold_sum(sums) / (float)op->columns;
        for (size_t c = 0; c < whole; c += 16) {
            v16 centred = load16(x + c) - mean;
            squares = fma16(centred, centred, squares);
        }
        if (rest) {
            v16 centred = load_part(x + whole, rest, mean) - mean;
            squares = fma16(centred, centred, squares);
        }
        float inverse = 1.0f / sqrtf(fold_sum(squares) / (float)op->columns + op->epsilon);
        float *out = op->out + row * op->out_stride;
        uint16_t *half = op->out_bf16 ? op->out_bf16 + row * op->out_bf16_stride : NULL;
        for (size_t c = 0; c < whole; c += 16) {
            v16 shift = op->shift ? load16(op->shift + c) : splat(0.0f);
            v16 y = fma16((load16(x + c) - mean) * inverse, load16(op->gain + c), shift);
            store16(out + c, y);
            if (half) *(h16_any *)(half + c) = narrow16(y);
        }
        for (size_t c = whole; c < op->columns; c++) {
            float y = fmaf((x[c] - mean) * inverse, op->gain[c], op->shift ? op->shift[c] : 0.0f);
            out[c] = y;
            if (half) half[c] = ck_float_bf16(y);
        }
    }
}

static void rms_norm(const ck_norm *op) {
    size_t whole = op->columns / 16 * 16, rest = op->columns - whole;
    for (size_t row = 0; row < op->rows; row++) {
        const float *x = op->x + row * op->x_stride;
        v16 squares = splat(0.0f);
        for (size_t c = 0; c < whole; c += 16) squares = fma16(load16(x + c), load16(x + c), squares);
        if (rest) {
            v16 last = load_part(x + whole, rest, 0.0f);
            squares = fma16(last, last, squares);
        }
        float inverse = 1.0f / sqrtf(fold_sum(squares) / (float)op->columns + op->epsilon);
        const float *residual = op->residual ? op->residual + row * op->residual_stride : NULL;
        float *out = op->out + row * op->out_stride;
        uint16_t *half = op->out_bf16 ? op->out_bf16 + row * op->out_bf16_stride : NULL;
        for (size_t c = 0; c < whole; c += 16) {
            v16 start = residual ? load16(residual + c) : splat(0.0f);
            v16 y = fma16(load16(x + c) * inverse, load16(op->gain + c), start);
            store16(out + c, y);
            if (half) *(h16_any *)(half + c) = narrow16(y);
        }
        for (size_t c = whole; c < op->columns; c++) {
            float y = fmaf(x[c] * inverse, op->gain[c], residual ? residual[c] : 0.0f);
            out[c] = y;
            if (half) half[c] = ck_float_bf16(y);
        }
    }
}

static void narrow(const float *x, uint16_t *out, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) *(h16_any *)(out + i) = narrow16(load16(x + i));
    for (; i < count; i++) out[i] = ck_float_bf16(x[i]);
}

INLINE v16 load_row16(const void *x, ck_dtype dtype, size_t i) {
    return dtype == CK_BF16 ? widen16(*(const h16_any *)((const uint16_t *)x + i)) : load16((const float *)x + i);
}

INLINE float load_row(const void *x, ck_dtype dtype, size_t i) {
    return dtype == CK_BF16 ? ck_bf16_float(((const uint16_t *)x)[i]) : ((const float *)x)[i];
}

// One row; `dtype` and `smooth` being there or not are known where this is inlined.
INLINE void quantize_row(const ck_quantize *op, size_t row, ck_dtype dtype, const float *smooth) {
    const void *x = (const char *)op->x + row * op->x_stride * (dtype == CK_BF16 ? 2 : 4);
    size_t whole = op->columns / 16 * 16;
    v16 lows = splat(0.0f), highs = splat(0.0f);
    for (size_t c = 0; c < whole; c += 16) {
        v16 y = load_row16(x, dtype, c);
        if (smooth) y *= load16(smooth + c);
        lows = min16(y, lows);
        highs = max16(y, highs);
    }
    float low = fold_min(lows), high = fold_max(highs);
    for (size_t c = whole; c < op->columns; c++) {
        float y = load_row(x, dtype, c);
        if (smooth) y *= smooth[c];
        low = y < low ? y : low;
        high = y > high ? y : high;
    }
    low = low > -1e38f ? low : -1e38f;
    high = high < 1e38f ? high : 1e38f;
    float range = high - low, scale = range > 1e-30f ? range / 255.0f : 1e-30f, inverse = 1.0f / scale;
    float zero = nearbyintf(-low * inverse);
    op->scale[row] = scale;
    op->zero[row] = (int32_t)zero;
    uint8_t *out = op->out + row * op->out_stride;
    for (size_t c = 0; c < whole; c += 16) {
        v16 y = load_row16(x, dtype, c);
        if (smooth) y *= load16(smooth + c);
        y = fma16(y, splat(inverse), splat(zero));
        y = min16(max16(y, splat(0.0f)), splat(255.0f));
        // Adding 1.5 * 2^23 rounds to nearest even and leaves the number in the low bits.
        b16 bytes = __builtin_convertvector(bits_of(y + CK_MAGIC) & 0xffu, b16);
        *(b16_any *)(out + c) = bytes;
    }
    for (size_t c = whole; c < op->columns; c++) {
        float y = load_row(x, dtype, c);
        if (smooth) y *= smooth[c];
        y = fmaf(y, inverse, zero);
        y = y > 0.0f ? y : 0.0f;
        y = y < 255.0f ? y : 255.0f;
        out[c] = (uint8_t)nearbyintf(y);
    }
    for (size_t c = op->columns; c % 4; c++) out[c] = 0;
}

static void quantize(const ck_quantize *op) {
    for (size_t row = 0; row < op->rows; row++) {
        if (op->x_dtype == CK_BF16) {
            if (op->inverse_smooth) quantize_row(op, row, CK_BF16, op->inverse_smooth);
            else quantize_row(op, row, CK_BF16, NULL);
        } else {
            if (op->inverse_smooth) quantize_row(op, row, CK_F32, op->inverse_smooth);
            else quantize_row(op, row, CK_F32, NULL);
        }
    }
}
