// Weights into panels, and rows of embedding tables: what is done once at load, or once a token.
#include "ckernels.h"
#include "scalar.h"

static size_t width(ck_dtype dtype) { return dtype == CK_F32 ? 4 : 2; }

// The element at any address.
static inline float element(const unsigned char *x, ck_dtype dtype, size_t index) {
    uint16_t half;
    if (dtype == CK_F32) {
        float value;
        memcpy(&value, x + 4 * index, sizeof value);
        return value;
    }
    memcpy(&half, x + 2 * index, sizeof half);
    return dtype == CK_BF16 ? ck_bf16_float(half) : ck_f16_float(half);
}

void ck_widen(const void *x, ck_dtype dtype, float *out, size_t count) {
    if (dtype == CK_F32)
        memcpy(out, x, 4 * count);
    else if (dtype == CK_BF16)
        for (size_t i = 0; i < count; i++) out[i] = element(x, CK_BF16, i);
    else
        for (size_t i = 0; i < count; i++) out[i] = element(x, CK_F16, i);
}

void ck_embed(const ck_embedding *op) {
    for (size_t token = 0; token < op->tokens; token++) {
        float *out = op->out + token * op->out_stride;
        const unsigned char *word = op->word;
        ck_widen(
            word + (size_t)op->ids[token] * op->columns * width(op->word_dtype), op->word_dtype, out,
            op->columns);
        if (op->type) {
            const float *type = op->type + (op->types ? (size_t)op->types[token] : 0) * op->columns;
            for (size_t c = 0; c < op->columns; c++) out[c] += type[c];
        }
        if (op->position) {
            const float *position = op->position + (size_t)op->positions[token] * op->columns;
            for (size_t c = 0; c < op->columns; c++) out[c] += position[c];
        }
    }
}

void ck_pack_f32(const ck_packing *op) {
    const unsigned char *weights = op->weights;
    for (size_t panel = op->panel_first; panel < op->panel_first + op->panel_count; panel++) {
        float *out = (float *)op->panels + panel * op->depth * CK_PANEL;
        for (size_t n = 0; n < CK_PANEL; n++) {
            size_t row = panel * CK_PANEL + n;
            for (size_t k = 0; k < op->depth; k++)
                out[k * CK_PANEL + n] =
                    row < op->outputs ? element(weights, op->dtype, row * op->depth + k) : 0.0f;
        }
    }
}

void ck_pack_bf16(const ck_packing *op) {
    const unsigned char *weights = op->weights;
    size_t padded = (op->depth + 1) / 2 * 2;
    for (size_t panel = op->panel_first; panel < op->panel_first + op->panel_count; panel++) {
        uint16_t *out = (uint16_t *)op->panels + panel * padded * CK_PANEL;
        for (size_t n = 0; n < CK_PANEL; n++) {
            size_t row = panel * CK_PANEL + n;
            for (size_t k = 0; k < padded; k++) {
                float x = row < op->outputs && k < op->depth
                              ? element(weights, op->dtype, row * op->depth + k)
                              : 0.0f;
                out[k / 2 * CK_PANEL * 2 + n * 2 + k % 2] = ck_float_bf16(x);
            }
        }
    }
}

void ck_pack_int8(const ck_packing *op) {
    const unsigned char *weights = op->weights;
    size_t padded = (op->depth + 3) / 4 * 4;
    for (size_t panel = op->panel_first; panel < op->panel_first + op->panel_count; panel++) {
        int8_t *out = (int8_t *)op->panels + panel * padded * CK_PANEL;
        for (size_t n = 0; n < CK_PANEL; n++) {
            size_t row = panel * CK_PANEL + n, used = row < op->outputs ? op->depth : 0;
            float greatest = 0.0f;
            for (size_t k = 0; k < used; k++) {
                float x = element(weights, op->dtype, row * op->depth + k);
                x = fabsf(op->smooth ? x * op->smooth[k] : x);
                greatest = x > greatest ? x : greatest;
            }
            float scale = greatest > 1e-30f ? greatest / 127.0f : 1e-30f, inverse = 1.0f / scale;
            int32_t sum = 0;
            for (size_t k = 0; k < padded; k++) {
                float x = k < used ? element(weights, op->dtype, row * op->depth + k) : 0.0f;
                if (op->smooth && k < used) x *= op->smooth[k];
                x = nearbyintf(x * inverse);
                x = x > -127.0f ? x : -127.0f;
                x = x < 127.0f ? x : 127.0f;
                int8_t q = (int8_t)x;
                out[k / 4 * CK_PANEL * 4 + n * 4 + k % 4] = q;
                sum += q;
            }
            op->column_scale[row] = used ? scale : 0.0f;
            op->column_sum[row] = sum;
        }
    }
}

void ck_column_maxima(const void *weights, ck_dtype dtype, size_t rows, size_t columns, float *maxima) {
    for (size_t row = 0; row < rows; row++)
        for (size_t k = 0; k < columns; k++) {
            float x = fabsf(element(weights, dtype, row * columns + k));
            maxima[k] = x > maxima[k] ? x : maxima[k];
        }
}

size_t ck_attention_scratch(size_t keys, size_t head_size) {
    size_t key_columns = (keys + CK_PANEL - 1) / CK_PANEL * CK_PANEL;
    size_t head_columns = (head_size + 15) / 16 * 16;
    // Keys, values, 6 strips of scores, 6 rows of sums; for bfloat16 also 6 strips of weights and 6 queries.
    return 4 * (key_columns * (head_size + 1) + (key_columns + 2) * head_columns + 9 * key_columns +
                6 * head_columns + 3 * (head_size + 2) + 64);
}
