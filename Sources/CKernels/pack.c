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

// How many numbers of a row are widened at once; a multiple of 4.
enum { CHUNK = 64 };

// Numbers `first` and on of a row, zeros from `depth` on; NULL for a row past the last.
static void widen_chunk(
    const unsigned char *row, ck_dtype dtype, size_t first, size_t depth, float out[CHUNK]) {
    size_t count = !row || first >= depth ? 0 : depth - first < CHUNK ? depth - first : CHUNK;
    if (count) ck_widen(row + first * width(dtype), dtype, out, count);
    for (size_t i = count; i < CHUNK; i++) out[i] = 0.0f;
}

static const unsigned char *row_at(const ck_packing *op, size_t row) {
    return row < op->outputs ? (const unsigned char *)op->weights + row * op->depth * width(op->dtype) : NULL;
}

void ck_pack_f32(const ck_packing *op) {
    float chunk[CHUNK];
    for (size_t panel = op->panel_first; panel < op->panel_first + op->panel_count; panel++) {
        float *out = (float *)op->panels + panel * op->depth * CK_PANEL;
        // All columns of a few rows of the panel at a time: these stay in the first cache.
        for (size_t first = 0; first < op->depth; first += CHUNK) {
            size_t count = op->depth - first < CHUNK ? op->depth - first : CHUNK;
            for (size_t n = 0; n < CK_PANEL; n++) {
                widen_chunk(row_at(op, panel * CK_PANEL + n), op->dtype, first, op->depth, chunk);
                for (size_t k = 0; k < count; k++) out[(first + k) * CK_PANEL + n] = chunk[k];
            }
        }
    }
}

void ck_pack_bf16(const ck_packing *op) {
    float chunk[CHUNK];
    size_t words = (op->depth + 1) / 2;
    for (size_t panel = op->panel_first; panel < op->panel_first + op->panel_count; panel++) {
        uint32_t *out = (uint32_t *)op->panels + panel * words * CK_PANEL;
        for (size_t first = 0; first < words; first += CHUNK / 2) {
            size_t count = words - first < CHUNK / 2 ? words - first : CHUNK / 2;
            for (size_t n = 0; n < CK_PANEL; n++) {
                widen_chunk(row_at(op, panel * CK_PANEL + n), op->dtype, 2 * first, op->depth, chunk);
                for (size_t k = 0; k < count; k++)
                    out[(first + k) * CK_PANEL + n] =
                        ck_float_bf16(chunk[2 * k]) | (uint32_t)ck_float_bf16(chunk[2 * k + 1]) << 16;
            }
        }
    }
}

// The weights of a row times what smooths their inputs.
static void smooth_chunk(
    const ck_packing *op, const unsigned char *row, size_t first, float out[CHUNK]) {
    widen_chunk(row, op->dtype, first, op->depth, out);
    if (!op->smooth || first >= op->depth) return;
    size_t count = op->depth - first < CHUNK ? op->depth - first : CHUNK;
    for (size_t i = 0; i < count; i++) out[i] *= op->smooth[first + i];
}

void ck_pack_int8(const ck_packing *op) {
    float chunk[CHUNK];
    size_t words = (op->depth + 3) / 4;
    for (size_t panel = op->panel_first; panel < op->panel_first + op->panel_count; panel++) {
        uint32_t *out = (uint32_t *)op->panels + panel * words * CK_PANEL;
        for (size_t n = 0; n < CK_PANEL; n++) {
            const unsigned char *row = row_at(op, panel * CK_PANEL + n);
            float lanes[CHUNK] = {0}, greatest = 0.0f;
            for (size_t first = 0; first < op->depth; first += CHUNK) {
                smooth_chunk(op, row, first, chunk);
                for (size_t i = 0; i < CHUNK; i++) {
                    float size = fabsf(chunk[i]);
                    lanes[i] = size > lanes[i] ? size : lanes[i];
                }
            }
            for (size_t i = 0; i < CHUNK; i++) greatest = lanes[i] > greatest ? lanes[i] : greatest;
            float scale = greatest > 1e-30f ? greatest / 127.0f : 1e-30f, inverse = 1.0f / scale;
            int32_t sum = 0;
            for (size_t first = 0; first < 4 * words; first += CHUNK) {
                int32_t numbers[CHUNK];
                smooth_chunk(op, row, first, chunk);
                for (size_t i = 0; i < CHUNK; i++) {
                    float x = chunk[i] * inverse;
                    x = x > -127.0f ? x : -127.0f;
                    x = x < 127.0f ? x : 127.0f;
                    // Adding 1.5 * 2^23 rounds to nearest even and leaves the number in the low bits.
                    numbers[i] = (int32_t)(ck_float_bits(x + CK_MAGIC) - ck_float_bits(CK_MAGIC));
                    sum += numbers[i];
                }
                size_t count = words - first / 4 < CHUNK / 4 ? words - first / 4 : CHUNK / 4;
                for (size_t k = 0; k < count; k++)
                    out[(first / 4 + k) * CK_PANEL + n] =
                        (numbers[4 * k] & 0xff) | (numbers[4 * k + 1] & 0xff) << 8 |
                        (numbers[4 * k + 2] & 0xff) << 16 | (uint32_t)numbers[4 * k + 3] << 24;
            }
            op->column_scale[panel * CK_PANEL + n] = row ? scale : 0.0f;
            op->column_sum[panel * CK_PANEL + n] = sum;
        }
    }
}

void ck_column_maxima(
    const void *x, ck_dtype dtype, size_t stride, size_t rows, size_t columns, float *maxima) {
    float chunk[CHUNK];
    for (size_t row = 0; row < rows; row++) {
        const unsigned char *start = (const unsigned char *)x + row * stride * width(dtype);
        for (size_t first = 0; first < columns; first += CHUNK) {
            size_t count = columns - first < CHUNK ? columns - first : CHUNK;
            widen_chunk(start, dtype, first, columns, chunk);
            for (size_t i = 0; i < count; i++) {
                float size = fabsf(chunk[i]);
                maxima[first + i] = size > maxima[first + i] ? size : maxima[first + i];
            }
        }
    }
}

size_t ck_attention_scratch(size_t keys, size_t head_size) {
    size_t key_columns = (keys + CK_PANEL - 1) / CK_PANEL * CK_PANEL;
    size_t head_columns = (head_size + 15) / 16 * 16;
    // Keys, values, 6 strips of scores, 6 rows of sums, those of the running softmax; for bfloat16 also 6 strips of
    // weights and 6 queries.
    return 4 * (key_columns * (head_size + 1) + (key_columns + 2) * head_columns + 9 * key_columns +
                (6 + CK_ATTENTION_ROWS) * head_columns + 3 * (head_size + 2) + 64);
}
