// The kernels in plain C: what every other table is held to. No tiles, no vectors; the order of operations of
// each output element is the one that the header promises.
#include "tables.h"
#include "scalar.h"

// The activation of a number that becomes `dtype`.
static float activated(float x, ck_activation activation, ck_dtype dtype) {
    static const float erf_form[9] = CK_GELU_P, tanh_form[9] = CK_GELU_TANH_P;
    if (dtype == CK_BF16) {
        if (activation == CK_GELU) return ck_gelu_short(x, CK_GELU_BOUND, erf_form);
        if (activation == CK_GELU_TANH) return ck_gelu_short(x, CK_GELU_TANH_BOUND, tanh_form);
    }
    switch (activation) {
    case CK_IDENTITY: return x;
    case CK_GELU: return 0.5f * x * (1.0f + ck_erf(x * CK_SQRT_HALF));
    case CK_GELU_TANH: {
        float inner = CK_GELU_TANH_A * fmaf(CK_GELU_TANH_B * x * x, x, x);
        return 0.5f * x * (1.0f + ck_tanh(inner));
    }
    case CK_RELU: return x > 0.0f ? x : 0.0f;
    case CK_SILU: return x * ck_sigmoid(x);
    case CK_QUICK_GELU: return x * ck_sigmoid(1.702f * x);
    case CK_TANH: return ck_tanh(x);
    case CK_SIGMOID: return ck_sigmoid(x);
    }
    return x;
}

static void activate(float *x, size_t count, ck_activation activation) {
    for (size_t i = 0; i < count; i++) x[i] = activated(x[i], activation, CK_F32);
}

static void store(void *out, ck_dtype dtype, size_t index, float x) {
    if (dtype == CK_BF16)
        ((uint16_t *)out)[index] = ck_float_bf16(x);
    else
        ((float *)out)[index] = x;
}

static float load(const void *x, ck_dtype dtype, size_t index) {
    return dtype == CK_BF16 ? ck_bf16_float(((const uint16_t *)x)[index]) : ((const float *)x)[index];
}

static void finish(const ck_linear *op, size_t row, size_t column, float x) {
    if (op->bias) x += op->bias[column];
    x = activated(x, op->activation, op->out_dtype);
    if (op->residual) x += op->residual[row * op->residual_stride + column];
    store(op->out, op->out_dtype, row * op->out_stride + column, x);
}

static size_t first_column(const ck_linear *op) { return op->panel_first * CK_PANEL; }

static size_t end_column(const ck_linear *op) {
    size_t end = (op->panel_first + op->panel_count) * CK_PANEL;
    return end < op->columns ? end : op->columns;
}

static void linear_f32(const ck_linear *op) {
    for (size_t row = 0; row < op->rows; row++) {
        const float *a = (const float *)op->a + row * op->a_stride;
        for (size_t column = first_column(op); column < end_column(op); column++) {
            const float *w = (const float *)op->panels + column / CK_PANEL * op->depth * CK_PANEL +
                             column % CK_PANEL;
            float sum = 0.0f;
            for (size_t k = 0; k < op->depth; k++) sum = fmaf(a[k], w[k * CK_PANEL], sum);
            finish(op, row, column, sum);
        }
    }
}

static void linear_bf16(const ck_linear *op) {
    size_t pairs = (op->depth + 1) / 2;
    for (size_t row = 0; row < op->rows; row++) {
        const uint16_t *a = (const uint16_t *)op->a + row * op->a_stride;
        for (size_t column = first_column(op); column < end_column(op); column++) {
            const uint16_t *w = (const uint16_t *)op->panels +
                                (column / CK_PANEL * pairs * CK_PANEL + column % CK_PANEL) * 2;
            float sum = 0.0f;
            for (size_t k = 0; k < 2 * pairs; k++)
                sum = fmaf(ck_bf16_float(a[k]), ck_bf16_float(w[k / 2 * CK_PANEL * 2 + k % 2]), sum);
            finish(op, row, column, sum);
        }
    }
}

static void linear_int8(const ck_linear *op) {
    size_t fours = (op->depth + 3) / 4;
    for (size_t row = 0; row < op->rows; row++) {
        const uint8_t *a = (const uint8_t *)op->a + row * op->a_stride;
        for (size_t column = first_column(op); column < end_column(op); column++) {
            const int8_t *w = (const int8_t *)op->panels +
                              (column / CK_PANEL * fours * CK_PANEL + column % CK_PANEL) * 4;
            int32_t sum = 0;
            for (size_t k = 0; k < 4 * fours; k++) sum += (int32_t)a[k] * w[k / 4 * CK_PANEL * 4 + k % 4];
            sum -= op->row_zero[row] * op->column_sum[column];
            finish(op, row, column, (float)sum * (op->row_scale[row] * op->column_scale[column]));
        }
    }
}

// Sixteen running values, folded in halves: the order in which the vector tables add.
static float folded_sum(const float lanes[16]) {
    float s[16];
    for (int i = 0; i < 16; i++) s[i] = lanes[i];
    for (int width = 8; width > 0; width /= 2)
        for (int i = 0; i < width; i++) s[i] += s[i + width];
    return s[0];
}

static float score(const ck_attention *op, ck_dtype in, size_t query, size_t key) {
    float score = 0.0f;
    for (size_t k = 0; k < op->head_size; k++)
        score = fmaf(load(op->q, in, query * op->stride + k), load(op->k, in, key * op->stride + k), score);
    return op->bias ? score + op->bias[(ptrdiff_t)query * op->bias_stride + (ptrdiff_t)key] : score;
}

static void attention(const ck_attention *op, ck_dtype in) {
    float *weights = op->scratch, *sums = weights + op->keys;  // one for each key; one for each column
    size_t step = op->key_block ? op->key_block : op->keys;
    for (size_t query = 0; query < op->queries; query++) {
        size_t first = op->has_window && query > op->behind ? query - op->behind : 0;
        size_t end = op->has_window && op->ahead < op->keys - query ? query + op->ahead + 1 : op->keys;
        float top = -INFINITY, total = 0.0f;
        for (size_t k = 0; k < op->head_size; k++) sums[k] = 0.0f;
        for (size_t begin = first; begin < end;) {
            size_t next = (begin / step + 1) * step < end ? (begin / step + 1) * step : end;
            float greatest = top, lanes[16] = {0};
            for (size_t key = begin; key < next; key++) {
                weights[key] = score(op, in, query, key);
                if (weights[key] > greatest) greatest = weights[key];
            }
            for (size_t key = begin; key < next; key++) {
                weights[key] = ck_exp((weights[key] - greatest) * op->scale);
                lanes[key % 16] += weights[key];
            }
            float factor = ck_exp((top - greatest) * op->scale);
            total = fmaf(total, factor, folded_sum(lanes));
            for (size_t k = 0; k < op->head_size; k++) {
                float sum = 0.0f;
                for (size_t key = begin; key < next; key++) {
                    float weight = in == CK_BF16 ? ck_bf16_float(ck_float_bf16(weights[key])) : weights[key];
                    sum = fmaf(weight, load(op->v, in, key * op->stride + k), sum);
                }
                sums[k] = fmaf(sums[k], factor, sum);
            }
            top = greatest;
            begin = next;
        }
        float inverse = 1.0f / total;
        for (size_t k = 0; k < op->head_size; k++)
            store(op->out, op->out_dtype, query * op->out_stride + k, sums[k] * inverse);
    }
}

static void attention_f32(const ck_attention *op) { attention(op, CK_F32); }
static void attention_bf16(const ck_attention *op) { attention(op, CK_BF16); }

static void layer_norm(const ck_norm *op) {
    for (size_t row = 0; row < op->rows; row++) {
        const float *x = op->x + row * op->x_stride;
        float sums[16] = {0}, squares[16] = {0};
        for (size_t c = 0; c < op->columns; c++) sums[c % 16] += x[c];
        float mean = folded_sum(sums) / (float)op->columns;
        for (size_t c = 0; c < op->columns; c++)
            squares[c % 16] = fmaf(x[c] - mean, x[c] - mean, squares[c % 16]);
        float inverse = 1.0f / sqrtf(folded_sum(squares) / (float)op->columns + op->epsilon);
        for (size_t c = 0; c < op->columns; c++) {
            float y = fmaf((x[c] - mean) * inverse, op->gain[c], op->shift ? op->shift[c] : 0.0f);
            op->out[row * op->out_stride + c] = y;
            if (op->out_bf16) op->out_bf16[row * op->out_bf16_stride + c] = ck_float_bf16(y);
        }
    }
}

static void rms_norm(const ck_norm *op) {
    for (size_t row = 0; row < op->rows; row++) {
        const float *x = op->x + row * op->x_stride;
        float squares[16] = {0};
        for (size_t c = 0; c < op->columns; c++) squares[c % 16] = fmaf(x[c], x[c], squares[c % 16]);
        float inverse = 1.0f / sqrtf(folded_sum(squares) / (float)op->columns + op->epsilon);
        for (size_t c = 0; c < op->columns; c++) {
            float residual = op->residual ? op->residual[row * op->residual_stride + c] : 0.0f;
            float y = fmaf(x[c] * inverse, op->gain[c], residual);
            op->out[row * op->out_stride + c] = y;
            if (op->out_bf16) op->out_bf16[row * op->out_bf16_stride + c] = ck_float_bf16(y);
        }
    }
}

static void gate(const ck_gating *op) {
    for (size_t row = 0; row < op->rows; row++)
        for (size_t c = 0; c < op->columns; c++) {
            size_t at = row * op->stride + c;
            float x = activated(load(op->x, op->dtype, at + op->gate), op->activation, op->dtype);
            store(op->x, op->dtype, at, x * load(op->x, op->dtype, at + op->up));
        }
}

// The norm of one head, and the rotation of its first columns, in float32.
static void prepare_head(const ck_heads *op, size_t row, float *x) {
    size_t half = op->rotary / 2;
    if (op->gain) {
        ck_norm norm = {
            .x = x, .rows = 1, .columns = op->head_size, .gain = op->gain, .shift = op->shift,
            .epsilon = op->epsilon, .out = x,
        };
        if (op->is_centred) layer_norm(&norm);
        else rms_norm(&norm);
    }
    for (size_t i = 0; op->cosine && i < half; i++) {
        float cosine = op->cosine[row * half + i], sine = op->sine[row * half + i];
        float *first = x + (op->is_interleaved ? 2 * i : i);
        float *second = x + (op->is_interleaved ? 2 * i + 1 : i + half);
        float a = *first, b = *second;
        *first = fmaf(a, cosine, -(b * sine));
        *second = fmaf(b, cosine, a * sine);
    }
}

static void heads(const ck_heads *op) {
    float x[CK_HEAD_MAXIMUM];
    for (size_t row = 0; row < op->rows; row++)
        for (size_t head = 0; head < op->heads; head++) {
            size_t at = row * op->stride + head * op->head_size;
            for (size_t i = 0; i < op->head_size; i++) x[i] = load(op->x, op->dtype, at + i);
            prepare_head(op, row, x);
            for (size_t i = 0; i < op->head_size; i++) store(op->x, op->dtype, at + i, x[i]);
        }
}

static void quantize(const ck_quantize *op) {
    for (size_t row = 0; row < op->rows; row++) {
        // The range always includes 0, so that 0 is exact.
        float low = 0.0f, high = 0.0f;
        for (size_t c = 0; c < op->columns; c++) {
            float x = load(op->x, op->x_dtype, row * op->x_stride + c);
            if (op->inverse_smooth) x *= op->inverse_smooth[c];
            low = x < low ? x : low;
            high = x > high ? x : high;
        }
        low = low > -1e38f ? low : -1e38f;
        high = high < 1e38f ? high : 1e38f;
        float range = high - low;
        float scale = range > 1e-30f ? range / 255.0f : 1e-30f;
        float inverse = 1.0f / scale;
        float zero = nearbyintf(-low * inverse);
        op->scale[row] = scale;
        op->zero[row] = (int32_t)zero;
        uint8_t *out = op->out + row * op->out_stride;
        for (size_t c = 0; c < op->columns; c++) {
            float x = load(op->x, op->x_dtype, row * op->x_stride + c);
            if (op->inverse_smooth) x *= op->inverse_smooth[c];
            float q = fmaf(x, inverse, zero);
            q = q > 0.0f ? q : 0.0f;  // NaN becomes 0
            q = q < 255.0f ? q : 255.0f;
            out[c] = (uint8_t)nearbyintf(q);
        }
        for (size_t c = op->columns; c % 4; c++) out[c] = 0;
    }
}

static void narrow(const float *x, uint16_t *out, size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = ck_float_bf16(x[i]);
}

static size_t exercise(ck_kind kind, size_t rounds) {
    (void)kind;
    volatile float start = 0.5f;
    float x = start, sum[8] = {0};
    for (size_t round = 0; round < rounds; round++)
        for (int i = 0; i < 8; i++) sum[i] = fmaf(sum[i], x, x);
    for (int i = 1; i < 8; i++) sum[0] += sum[i];
    volatile float sink = sum[0];
    (void)sink;
    return rounds * 8 * 2;
}

const ck_table ck_reference_table = {
    .name = "reference",
    .linear_f32 = linear_f32,
    .linear_bf16 = linear_bf16,
    .linear_int8 = linear_int8,
    .attention_f32 = attention_f32,
    .attention_bf16 = attention_bf16,
    .layer_norm = layer_norm,
    .rms_norm = rms_norm,
    .gate = gate,
    .heads = heads,
    .quantize = quantize,
    .narrow = narrow,
    .activate = activate,
    .exercise = exercise,
};
