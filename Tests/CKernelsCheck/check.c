#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckernels.h"
#include "ckernels_check.h"

// ---- Numbers, memory, and what went wrong.

typedef struct {
    const ck_table *table, *plain;
    uint64_t seed;
    int failures, message_size;
    char *message;
} check;

static void fail(check *c, const char *format, ...) {
    va_list list;
    va_start(list, format);
    if (c->failures++ == 0) vsnprintf(c->message, (size_t)c->message_size, format, list);
    va_end(list);
}

static uint32_t next(check *c) {
    c->seed ^= c->seed << 13;
    c->seed ^= c->seed >> 7;
    c->seed ^= c->seed << 17;
    return (uint32_t)(c->seed >> 32);
}

static size_t below(check *c, size_t limit) { return next(c) % limit; }

// Mostly of the size of activations; now and then 0, huge, or below the normal numbers.
static float number(check *c, int has_extremes) {
    if (has_extremes && below(c, 50) == 0) {
        static const float extremes[] = {0.0f, -0.0f, 1e-40f, -1e-38f, 3e8f, -3e8f};
        return extremes[below(c, 6)];
    }
    return (float)((int32_t)next(c)) * (2.0f / 2147483648.0f);
}

static uint16_t to_half(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static float of_half(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

// A block whose first byte lies `shift` bytes past a line, between margins of 0xA5.
typedef struct {
    unsigned char *all, *bytes;
    size_t size;
} block;

static block reserve(size_t size, size_t shift) {
    block b = {.size = size};
    if (posix_memalign((void **)&b.all, 64, size + 512)) abort();
    memset(b.all, 0xA5, size + 512);
    b.bytes = b.all + 128 + shift;
    return b;
}

static void release(check *c, block b, const char *what) {
    for (unsigned char *p = b.all; p < b.bytes; p++)
        if (*p != 0xA5) {
            fail(c, "%s: wrote before the start", what);
            break;
        }
    for (unsigned char *p = b.bytes + b.size; p < b.all + b.size + 512; p++)
        if (*p != 0xA5) {
            fail(c, "%s: wrote %d bytes past the end", what, (int)(p - b.bytes - b.size));
            break;
        }
    free(b.all);
}

static double activated(double x, ck_activation activation) {
    switch (activation) {
    case CK_IDENTITY: return x;
    case CK_GELU: return 0.5 * x * erfc(-x * 0.70710678118654752);
    case CK_GELU_TANH: return 0.5 * x * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
    case CK_RELU: return x > 0 ? x : 0;
    case CK_SILU: return x / (1 + exp(-x));
    case CK_QUICK_GELU: return x / (1 + exp(-1.702 * x));
    case CK_TANH: return tanh(x);
    case CK_SIGMOID: return 1 / (1 + exp(-x));
    }
    return x;
}

// ---- Linear layers.

static void check_linear(check *c, ck_kind kind, size_t rows, size_t depth, size_t columns) {
    static const size_t width[] = {4, 2, 1}, per_word[] = {1, 2, 4};
    size_t padded = (depth + per_word[kind] - 1) / per_word[kind] * per_word[kind];
    size_t stride = padded + (kind == CK_KIND_F32 ? below(c, 5) : per_word[kind] * below(c, 3));
    size_t panels = (columns + CK_PANEL - 1) / CK_PANEL, out_stride = columns + below(c, 9);
    float *weights = malloc(4 * columns * depth + 4), *bias = calloc(panels * CK_PANEL, 4);
    for (size_t i = 0; i < columns * depth; i++) weights[i] = number(c, 0);
    for (size_t i = 0; i < columns; i++) bias[i] = number(c, 0);
    block packed = reserve(panels * padded * CK_PANEL * width[kind], 0);
    block scales = reserve(panels * CK_PANEL * 4, 0), sums = reserve(panels * CK_PANEL * 4, 0);
    ck_packing packing = {
        .weights = weights, .dtype = CK_F32, .outputs = columns, .depth = depth, .panel_count = panels,
        .panels = packed.bytes, .column_scale = (float *)scales.bytes, .column_sum = (int32_t *)sums.bytes,
    };
    (kind == CK_KIND_F32 ? ck_pack_f32 : kind == CK_KIND_BF16 ? ck_pack_bf16 : ck_pack_int8)(&packing);
    block a = reserve(rows * stride * width[kind], width[kind] * below(c, 16));
    float *row_scale = malloc(4 * rows + 4);
    int32_t *row_zero = malloc(4 * rows + 4);
    for (size_t r = 0; r < rows; r++) {
        row_scale[r] = 0.01f + 0.01f * fabsf(number(c, 0));
        row_zero[r] = (int32_t)below(c, 256);
        for (size_t k = 0; k < stride; k++) {
            size_t at = r * stride + k;
            int used = k < depth;
            if (kind == CK_KIND_F32) ((float *)a.bytes)[at] = used ? number(c, 0) : NAN;
            else if (kind == CK_KIND_BF16) ((uint16_t *)a.bytes)[at] = used ? to_half(number(c, 0)) : k < padded ? 0 : 0x7fff;
            else a.bytes[at] = used ? (uint8_t)next(c) : k < padded ? 0 : 0xA5;
        }
    }
    ck_dtype out_dtype = below(c, 3) ? CK_F32 : CK_BF16;
    size_t out_width = out_dtype == CK_F32 ? 4 : 2;
    block out = reserve(rows ? ((rows - 1) * out_stride + columns) * out_width : 0, out_width * below(c, 16));
    block plain = reserve(out.size, 0);
    block residual = reserve(rows * out_stride * 4, 4 * below(c, 16));
    for (size_t i = 0; i < rows * out_stride; i++) ((float *)residual.bytes)[i] = number(c, 0);
    ck_linear op = {
        .a = a.bytes, .a_stride = stride, .rows = rows, .depth = depth, .panels = packed.bytes,
        .columns = columns, .bias = below(c, 4) ? bias : NULL, .activation = (ck_activation)below(c, 8),
        .residual = below(c, 2) ? (const float *)residual.bytes : NULL, .residual_stride = out_stride,
        .out = out.bytes, .out_stride = out_stride, .out_dtype = out_dtype, .row_scale = row_scale,
        .row_zero = row_zero, .column_scale = (const float *)scales.bytes,
        .column_sum = (const int32_t *)sums.bytes,
    };
    ck_linear by_plain = op;
    by_plain.out = plain.bytes;
    by_plain.panel_count = panels;
    // The panels are done in two parts, as two threads would.
    size_t split = below(c, panels + 1);
    op.panel_count = split;
    void (*run)(const ck_linear *) = kind == CK_KIND_F32    ? c->table->linear_f32
                                     : kind == CK_KIND_BF16 ? c->table->linear_bf16
                                                            : c->table->linear_int8;
    void (*run_plain)(const ck_linear *) = kind == CK_KIND_F32    ? c->plain->linear_f32
                                           : kind == CK_KIND_BF16 ? c->plain->linear_bf16
                                                                  : c->plain->linear_int8;
    run(&op);
    op.panel_first = split;
    op.panel_count = panels - split;
    run(&op);
    run_plain(&by_plain);
    for (size_t r = 0; r < rows; r++)
        for (size_t n = 0; n < out_stride && r * out_stride + n < out.size / out_width; n++) {
            size_t at = r * out_stride + n;
            if (n >= columns) {
                for (size_t i = 0; i < out_width; i++)
                    if (out.bytes[at * out_width + i] != 0xA5) fail(c, "linear %d wrote between rows", kind);
                continue;
            }
            double sum = 0, size = 0;
            for (size_t k = 0; k < depth; k++) {
                double x, w;
                if (kind == CK_KIND_F32) x = ((float *)a.bytes)[r * stride + k], w = weights[n * depth + k];
                else if (kind == CK_KIND_BF16) x = of_half(((uint16_t *)a.bytes)[r * stride + k]), w = of_half(to_half(weights[n * depth + k]));
                else {
                    size_t in_panel = n / CK_PANEL * padded * CK_PANEL + k / 4 * CK_PANEL * 4 + n % CK_PANEL * 4 + k % 4;
                    x = (double)row_scale[r] * (a.bytes[r * stride + k] - row_zero[r]);
                    w = (double)((float *)scales.bytes)[n] * ((int8_t *)packed.bytes)[in_panel];
                }
                sum += x * w;
                size += fabs(x * w);
            }
            if (op.bias) sum += bias[n], size += fabs(bias[n]);
            double want = activated(sum, op.activation), error = (double)(depth + 8) * 6e-8 * size + 3e-7 * (1 + fabs(want));
            error *= 3;  // the slope of an activation
            if (op.residual) want += ((float *)residual.bytes)[at], error += 2e-7 * fabs(want);
            double got, other;
            if (out_dtype == CK_F32) got = ((float *)out.bytes)[at], other = ((float *)plain.bytes)[at];
            else got = of_half(((uint16_t *)out.bytes)[at]), other = of_half(((uint16_t *)plain.bytes)[at]), error += 0.004 * fabs(want) + 1e-37;
            // GELU's short form.
            if (out_dtype == CK_BF16 && (op.activation == CK_GELU || op.activation == CK_GELU_TANH)) error += 5e-5;
            if (!(fabs(got - want) <= error))
                fail(c, "linear %d, %zu x %zu x %zu at (%zu, %zu): %.9g, not %.9g", kind, rows, depth, columns, r, n, got, want);
            if (kind != CK_KIND_BF16 && got != other)
                fail(c, "linear %d, %zu x %zu x %zu at (%zu, %zu): %.9g, plain %.9g", kind, rows, depth, columns, r, n, got, other);
        }
    release(c, out, "linear");
    release(c, plain, "plain linear");
    release(c, packed, "pack");
    release(c, scales, "pack scales");
    release(c, sums, "pack sums");
    release(c, a, "input");
    release(c, residual, "residual");
    free(weights), free(bias), free(row_scale), free(row_zero);
}

// ---- Attention.

static void check_attention(check *c, ck_dtype type, size_t queries, size_t keys, size_t head) {
    size_t width = type == CK_F32 ? 4 : 2, stride = head + 2 * below(c, 5);
    block q = reserve(queries * stride * width, width * below(c, 8));
    block k = reserve(keys * stride * width, width * below(c, 8)), v = reserve(keys * stride * width, width * below(c, 8));
    block *blocks[] = {&q, &k, &v};
    for (int b = 0; b < 3; b++)
        for (size_t i = 0; i < blocks[b]->size / width; i++) {
            float x = i % stride < head ? 2 * number(c, 0) : NAN;
            if (type == CK_F32) ((float *)blocks[b]->bytes)[i] = x;
            else ((uint16_t *)blocks[b]->bytes)[i] = to_half(x);
        }
    block out = reserve(((queries - 1) * stride + head) * width, width * below(c, 8)), plain = reserve(out.size, 0);
    block scratch = reserve(ck_attention_scratch(keys, head), 0);
    // No bias, one by distance, a number for every score, one row for all queries.
    size_t kind = below(c, 4), rows = kind == 2 ? queries : 1;
    block bias = reserve(4 * (kind == 1 ? queries + keys - 1 : rows * keys), 0);
    for (size_t i = 0; i < bias.size / 4; i++) ((float *)bias.bytes)[i] = 3 * number(c, 0);
    ptrdiff_t bias_stride = kind == 1 ? -1 : kind == 2 ? (ptrdiff_t)keys : 0;
    const float *bias_of_first = (const float *)bias.bytes + (kind == 1 ? queries - 1 : 0);
    ck_attention op = {
        .q = q.bytes, .k = k.bytes, .v = v.bytes, .stride = stride, .queries = queries, .keys = keys,
        .head_size = head, .scale = 0.3f + 0.2f * number(c, 0) * 0.5f, .scratch = scratch.bytes, .out = out.bytes,
        .out_stride = stride, .out_dtype = type, .bias = kind ? bias_of_first : NULL, .bias_stride = bias_stride,
        .has_window = below(c, 2), .behind = below(c, 3) ? below(c, keys) : SIZE_MAX,
        .ahead = below(c, 3) ? below(c, 2 + keys / 4) : SIZE_MAX,
        .key_block = 64 * below(c, 3),
    };
    (type == CK_F32 ? c->table->attention_f32 : c->table->attention_bf16)(&op);
    op.out = plain.bytes;
    (type == CK_F32 ? c->plain->attention_f32 : c->plain->attention_bf16)(&op);
    double *weights = malloc(8 * keys);
#define AT(B, I) (type == CK_F32 ? ((float *)B.bytes)[I] : of_half(((uint16_t *)B.bytes)[I]))
    for (size_t r = 0; r < queries; r++) {
        double top = -1e300, total = 0;
        for (size_t j = 0; j < keys; j++) {
            weights[j] = 0;
            for (size_t i = 0; i < head; i++) weights[j] += (double)AT(q, r * stride + i) * AT(k, j * stride + i);
            if (kind) weights[j] += bias_of_first[(ptrdiff_t)r * bias_stride + (ptrdiff_t)j];
            weights[j] *= op.scale;
            int is_taken = j > r ? j - r <= op.ahead : r - j <= op.behind;
            if (op.has_window && !is_taken) weights[j] = -INFINITY;
            if (weights[j] > top) top = weights[j];
        }
        for (size_t j = 0; j < keys; j++) total += weights[j] = exp(weights[j] - top);
        for (size_t i = 0; i < head; i++) {
            double want = 0;
            for (size_t j = 0; j < keys; j++) want += weights[j] / total * AT(v, j * stride + i);
            double got = AT(out, r * stride + i), other = AT(plain, r * stride + i);
            if (!(fabs(got - want) <= (type == CK_F32 ? 2e-6 * (double)(10 + head) : 0.03)))
                fail(c, "attention, %zu of %zu keys, width %zu: %.9g, not %.9g", queries, keys, head, got, want);
            if (type == CK_F32 && got != other)
                fail(c, "attention, %zu of %zu keys, width %zu: %.9g, plain %.9g", queries, keys, head, got, other);
        }
        for (size_t i = head; i < stride && r + 1 < queries; i++)
            if (((unsigned char *)out.bytes)[(r * stride + i) * width] != 0xA5) fail(c, "attention wrote between rows");
    }
    free(weights);
    release(c, out, "attention");
    release(c, plain, "plain attention");
    release(c, scratch, "attention's scratch");
    release(c, bias, "attention's bias");
    release(c, q, "queries"), release(c, k, "keys"), release(c, v, "values");
}

// ---- Rows.

static void check_norm(check *c, size_t rows, size_t columns) {
    size_t stride = columns + below(c, 5);
    block x = reserve(rows * stride * 4, 4 * below(c, 16)), out = reserve(rows * stride * 4, 4 * below(c, 16));
    block plain = reserve(out.size, 0), half = reserve(rows * stride * 2, 2 * below(c, 16)), other = reserve(half.size, 0);
    float *gain = malloc(4 * columns), *shift = malloc(4 * columns);
    float offset = below(c, 4) ? 0.0f : 100.0f;
    for (size_t i = 0; i < columns; i++) gain[i] = number(c, 0), shift[i] = number(c, 0);
    for (size_t i = 0; i < rows * stride; i++) ((float *)x.bytes)[i] = i % stride < columns ? number(c, 0) + offset : NAN;
    ck_norm op = {
        .x = (float *)x.bytes, .x_stride = stride, .rows = rows, .columns = columns, .gain = gain,
        .shift = below(c, 2) ? shift : NULL, .epsilon = below(c, 2) ? 1e-12f : 1e-5f, .out = (float *)out.bytes,
        .out_stride = stride, .out_bf16 = (uint16_t *)half.bytes, .out_bf16_stride = stride,
    };
    // Half of the time by the mean of squares, which adds a residual in the place of the shift.
    int is_centred = below(c, 2);
    block residual = reserve(rows * stride * 4, 4 * below(c, 16));
    for (size_t i = 0; i < rows * stride; i++) ((float *)residual.bytes)[i] = number(c, 0);
    if (below(c, 2)) op.residual = (float *)residual.bytes, op.residual_stride = stride;
    (is_centred ? c->table->layer_norm : c->table->rms_norm)(&op);
    op.out = (float *)plain.bytes;
    op.out_bf16 = (uint16_t *)other.bytes;
    (is_centred ? c->plain->layer_norm : c->plain->rms_norm)(&op);
    for (size_t r = 0; r < rows; r++) {
        double mean = 0, square = 0;
        for (size_t i = 0; i < columns && is_centred; i++) mean += op.x[r * stride + i];
        mean /= (double)columns;
        for (size_t i = 0; i < columns; i++) square += pow(op.x[r * stride + i] - mean, 2);
        double inverse = 1 / sqrt(square / (double)columns + op.epsilon);
        for (size_t i = 0; i < stride; i++) {
            size_t at = r * stride + i;
            float got = ((float *)out.bytes)[at], same = ((float *)plain.bytes)[at];
            if (memcmp(&got, &same, 4)) fail(c, "norm of %zu: %.9g, plain %.9g", columns, got, same);
            if (((uint16_t *)half.bytes)[at] != ((uint16_t *)other.bytes)[at]) fail(c, "norm of %zu: bfloat16 copy", columns);
            if (i >= columns || columns < 8) continue;  // of few numbers the variance may be all rounding
            double want = (op.x[at] - mean) * inverse * gain[i];
            if (is_centred && op.shift) want += shift[i];
            if (!is_centred && op.residual) want += ((float *)residual.bytes)[at];
            if (!(fabs(got - want) <= (offset ? 2e-3 : 5e-6))) fail(c, "norm of %zu: %.9g, not %.9g", columns, got, want);
        }
    }
    free(gain), free(shift);
    release(c, residual, "norm's residual");
    release(c, x, "norm's input"), release(c, out, "norm"), release(c, plain, "plain norm");
    release(c, half, "norm's copy"), release(c, other, "plain norm's copy");
}

static double number_at(block b, ck_dtype type, size_t i) {
    return type == CK_F32 ? ((float *)b.bytes)[i] : of_half(((uint16_t *)b.bytes)[i]);
}

static block numbers(check *c, ck_dtype type, size_t count) {
    size_t width = type == CK_F32 ? 4 : 2;
    block b = reserve(count * width, width * below(c, 16));
    for (size_t i = 0; i < count; i++)
        if (type == CK_F32) ((float *)b.bytes)[i] = number(c, 0);
        else ((uint16_t *)b.bytes)[i] = to_half(number(c, 0));
    return b;
}

static void check_gate(check *c, ck_dtype type, size_t columns) {
    size_t rows = 1 + below(c, 4), stride = 2 * columns + below(c, 5);
    block x = numbers(c, type, rows * stride), plain = reserve(x.size, 0), start = reserve(x.size, 0);
    memcpy(plain.bytes, x.bytes, x.size), memcpy(start.bytes, x.bytes, x.size);
    int is_up_first = below(c, 2);
    ck_gating op = {
        .x = x.bytes, .dtype = type, .stride = stride, .rows = rows, .columns = columns,
        .gate = is_up_first ? columns : 0, .up = is_up_first ? 0 : columns, .activation = (ck_activation)below(c, 8),
    };
    c->table->gate(&op);
    op.x = plain.bytes;
    c->plain->gate(&op);
    // The processor's own conversion takes numbers below 2^-126 for zero.
    for (size_t i = 0; i < rows * stride; i++)
        if (number_at(x, type, i) != number_at(plain, type, i) && fabs(number_at(plain, type, i)) >= 1.2e-38)
            fail(c, "gate of %zu: not as the plain one", columns);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < stride; i++) {
            size_t at = r * stride + i;
            double got = number_at(x, type, at), want = number_at(start, type, at);
            if (i < columns)
                want = activated(number_at(start, type, at + op.gate), op.activation) * number_at(start, type, at + op.up);
            if (!(fabs(got - want) <= (type == CK_F32 ? 1e-6 : 0.02))) fail(c, "gate of %zu: %.9g, not %.9g", columns, got, want);
        }
    release(c, x, "gate"), release(c, plain, "plain gate"), release(c, start, "gate's input");
}

// What `heads` makes of the head at x, in double precision, into want.
static void prepared_head(const ck_heads *op, size_t row, block x, size_t at, double *want) {
    size_t half = op->rotary / 2;
    double mean = 0, square = 0;
    for (size_t i = 0; i < op->head_size; i++) want[i] = number_at(x, op->dtype, at + i);
    for (size_t i = 0; i < op->head_size && op->is_centred; i++) mean += want[i] / (double)op->head_size;
    for (size_t i = 0; i < op->head_size; i++) square += pow(want[i] - mean, 2) / (double)op->head_size;
    for (size_t i = 0; i < op->head_size && op->gain; i++)
        want[i] = (want[i] - mean) / sqrt(square + op->epsilon) * op->gain[i] + (op->is_centred && op->shift ? op->shift[i] : 0);
    for (size_t i = 0; i < half && op->cosine; i++) {
        size_t first = op->is_interleaved ? 2 * i : i, second = op->is_interleaved ? 2 * i + 1 : i + half;
        double a = want[first], b = want[second], cosine = op->cosine[row * half + i], sine = op->sine[row * half + i];
        want[first] = a * cosine - b * sine, want[second] = b * cosine + a * sine;
    }
}

static void check_heads(check *c, ck_dtype type, size_t head) {
    size_t rows = 1 + below(c, 4), heads = 1 + below(c, 3), stride = heads * head + below(c, 5);
    block x = numbers(c, type, rows * stride), plain = reserve(x.size, 0), start = reserve(x.size, 0);
    memcpy(plain.bytes, x.bytes, x.size), memcpy(start.bytes, x.bytes, x.size);
    size_t half = below(c, head / 2 + 1);
    if (below(c, 2)) half = head / 2;
    block gain = numbers(c, CK_F32, head), shift = numbers(c, CK_F32, head);
    block cosine = numbers(c, CK_F32, rows * half), sine = numbers(c, CK_F32, rows * half);
    ck_heads op = {
        .x = x.bytes, .dtype = type, .stride = stride, .rows = rows, .heads = heads, .head_size = head,
        .gain = below(c, 2) ? (float *)gain.bytes : NULL, .shift = below(c, 2) ? (float *)shift.bytes : NULL,
        .is_centred = (int)below(c, 2), .epsilon = 1e-2f, .cosine = below(c, 4) ? (float *)cosine.bytes : NULL,
        .sine = (float *)sine.bytes, .rotary = 2 * half, .is_interleaved = (int)below(c, 2),
    };
    c->table->heads(&op);
    op.x = plain.bytes;
    c->plain->heads(&op);
    double *want = malloc(8 * head);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < stride; i++) {
            size_t at = r * stride + i;
            if (i % head == 0 && i < heads * head) prepared_head(&op, r, start, at, want);
            double expected = i < heads * head ? want[i % head] : number_at(start, type, at);
            double got = number_at(x, type, at), other = number_at(plain, type, at);
            if (got != other && fabs(other) >= 1.2e-38) fail(c, "heads of %zu: %.9g, plain %.9g", head, got, other);
            if (!(fabs(got - expected) <= (type == CK_F32 ? 2e-5 : 0.05))) fail(c, "heads of %zu: %.9g, not %.9g", head, got, expected);
        }
    free(want);
    release(c, x, "heads"), release(c, plain, "plain heads"), release(c, start, "heads' input");
    release(c, gain, "gain"), release(c, shift, "shift"), release(c, cosine, "cosine"), release(c, sine, "sine");
}

static void check_quantize(check *c, size_t columns, int trial) {
    enum { ROWS = 3 };
    ck_dtype type = below(c, 2) ? CK_F32 : CK_BF16;
    size_t width = type == CK_F32 ? 4 : 2, stride = columns + below(c, 5), out_stride = (columns + 3) / 4 * 4;
    block x = reserve(ROWS * stride * width, width * below(c, 16)), out = reserve(ROWS * out_stride, below(c, 64));
    block plain = reserve(out.size, 0);
    float *smooth = malloc(4 * columns + 4), scale[ROWS], other_scale[ROWS];
    int32_t zero[ROWS], other_zero[ROWS];
    for (size_t i = 0; i < columns; i++) smooth[i] = 0.5f + fabsf(number(c, 0));
    for (size_t i = 0; i < ROWS * stride; i++) {
        float y = trial == 1 ? 0.0f : trial == 2 && below(c, 9) == 0 ? (below(c, 2) ? INFINITY : NAN) : number(c, trial == 3);
        if (type == CK_F32) ((float *)x.bytes)[i] = y;
        else ((uint16_t *)x.bytes)[i] = isnan(y) ? 0x7fc0 : to_half(y);
    }
    ck_quantize op = {
        .x = x.bytes, .x_dtype = type, .x_stride = stride, .rows = ROWS, .columns = columns,
        .inverse_smooth = below(c, 2) ? smooth : NULL, .out = out.bytes, .out_stride = out_stride, .scale = scale, .zero = zero,
    };
    c->table->quantize(&op);
    op.out = plain.bytes, op.scale = other_scale, op.zero = other_zero;
    c->plain->quantize(&op);
    if (memcmp(out.bytes, plain.bytes, out.size) || memcmp(scale, other_scale, sizeof scale) || memcmp(zero, other_zero, sizeof zero))
        fail(c, "quantize of %zu, trial %d: not as the plain one", columns, trial);
    for (size_t r = 0; r < ROWS && trial == 0; r++)
        for (size_t i = 0; i < columns; i++) {
            double want = AT(x, r * stride + i);
            if (type != CK_F32) want = of_half(((uint16_t *)x.bytes)[r * stride + i]);
            if (op.inverse_smooth) want *= smooth[i];
            double got = (double)scale[r] * (out.bytes[r * out_stride + i] - zero[r]);
            if (!(fabs(got - want) <= 1.01 * scale[r])) fail(c, "quantize of %zu: %.9g, not %.9g", columns, got, want);
        }
    free(smooth);
    release(c, x, "quantize's input"), release(c, out, "quantize"), release(c, plain, "plain quantize");
}

static void check_elements(check *c, size_t count) {
    for (int activation = 0; activation < 8; activation++) {
        block x = reserve(4 * count, 4 * below(c, 16)), plain = reserve(4 * count, 0), half = reserve(2 * count, 2 * below(c, 16));
        float *start = malloc(4 * count + 4);
        for (size_t i = 0; i < count; i++) start[i] = number(c, 1) * (below(c, 2) ? 1.0f : 12.0f);
        memcpy(x.bytes, start, 4 * count), memcpy(plain.bytes, start, 4 * count);
        c->table->activate((float *)x.bytes, count, (ck_activation)activation);
        c->plain->activate((float *)plain.bytes, count, (ck_activation)activation);
        if (memcmp(x.bytes, plain.bytes, 4 * count)) fail(c, "activation %d of %zu: not as the plain one", activation, count);
        for (size_t i = 0; i < count; i++) {
            double want = activated(start[i], (ck_activation)activation), got = ((float *)x.bytes)[i];
            if (!(fabs(got - want) <= 4e-7 * fmax(1, fabs(start[i])))) fail(c, "activation %d of %.9g: %.9g, not %.9g", activation, start[i], got, want);
        }
        c->table->narrow(start, (uint16_t *)half.bytes, count);
        for (size_t i = 0; i < count; i++)
            // The processor's own conversion takes numbers below 2^-126 for zero.
            if (((uint16_t *)half.bytes)[i] != to_half(start[i]) && fabsf(start[i]) >= 1.2e-38f)
                fail(c, "narrow of %.9g", start[i]);
        free(start);
        release(c, x, "activate"), release(c, plain, "plain activate"), release(c, half, "narrow");
    }
}

int ck_check_table(const char *name, char *message, int message_size) {
    check c = {
        .table = ck_table_named(name), .plain = ck_table_named("reference"), .seed = 0x9E3779B97F4A7C15u,
        .message = message, .message_size = message_size,
    };
    if (!c.table) {
        fail(&c, "no such table here");
        return c.failures;
    }
    static const size_t some_columns[] = {1, 15, 16, 17, 63, 64, 65, 127, 128, 130};
    static const size_t heads[] = {1, 7, 8, 16, 20, 31, 32, 33, 48, 64, 80, 96, 128};
    for (size_t size = 0; size <= 67; size++) {
        for (int kind = 0; kind < 3; kind++) {
            for (int i = 0; i < 10; i++) check_linear(&c, (ck_kind)kind, below(&c, 15), size, some_columns[i]);
            check_linear(&c, (ck_kind)kind, size, 1 + below(&c, 40), 1 + below(&c, 70));
            if (size) check_linear(&c, (ck_kind)kind, below(&c, 8), 1 + below(&c, 40), size);
        }
        if (size) {
            for (int i = 0; i < 13; i++) {
                check_attention(&c, CK_F32, 1 + below(&c, size), size, heads[i]);
                check_attention(&c, CK_BF16, 1 + below(&c, size), size, heads[i]);
            }
            check_norm(&c, 1 + below(&c, 7), size);
            check_gate(&c, below(&c, 2) ? CK_F32 : CK_BF16, size);
            check_heads(&c, CK_F32, size);
            check_heads(&c, CK_BF16, size);
            check_norm(&c, 1 + below(&c, 7), 300 + size);
        }
        for (int trial = 0; trial < 4; trial++) check_quantize(&c, size, trial);
        check_quantize(&c, 384 + size, 0);
        check_elements(&c, size);
    }
    for (int i = 0; i < 16; i++) {
        check_attention(&c, CK_F32, 13 + 17 * (size_t)i, 300, 64);
        check_attention(&c, CK_BF16, 13 + 17 * (size_t)i, 300, 64);
        check_heads(&c, CK_F32, 256), check_heads(&c, CK_BF16, 128);
    }
    return c.failures;
}
