// The float32 kernels over `vector.h`.

// The activation of `count` floats, in place.
INLINE void activate_span(float *x, size_t count, ck_activation activation) {
    size_t i = 0;
    switch (activation) {
#define CASE(A)                                                                                        \
    case A:                                                                                            \
        for (; i + 16 <= count; i += 16) store16(x + i, activated16(load16(x + i), A));                \
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
        store_part(x + i, activated16(load_part(x + i, count - i, 0.0f), activation), count - i);
}

static void activate(float *x, size_t count, ck_activation activation) {
    activate_span(x, count, activation);
}

// The sums of one register tile, plus bias and residual, to memory: `rows` rows of one panel, complete.
static void finish_rows(const ck_linear *op, size_t row, size_t rows, size_t panel, float tile[][CK_PANEL]) {
    size_t column = panel * CK_PANEL;
    size_t count = op->columns - column < CK_PANEL ? op->columns - column : CK_PANEL;
    for (size_t r = 0; r < rows; r++) {
        float *x = tile[r];
        if (op->bias)
            for (size_t i = 0; i < CK_PANEL; i += 16)
                store16(x + i, load16(x + i) + load16(op->bias + column + i));
        activate_span(x, CK_PANEL, op->activation);
        if (op->residual) {
            const float *residual = op->residual + (row + r) * op->residual_stride + column;
            if (count == CK_PANEL)
                for (size_t i = 0; i < CK_PANEL; i += 16) store16(x + i, load16(x + i) + load16(residual + i));
            else
                for (size_t i = 0; i < count; i++) x[i] += residual[i];
        }
        size_t at = (row + r) * op->out_stride + column;
        if (op->out_dtype == CK_BF16) {
            uint16_t *out = (uint16_t *)op->out + at;
            if (count == CK_PANEL)
                for (size_t i = 0; i < CK_PANEL; i += 16)
                    *(h16_any *)(out + i) = narrow16(load16(x + i));
            else
                for (size_t i = 0; i < count; i++) out[i] = ck_float_bf16(x[i]);
        } else {
            float *out = (float *)op->out + at;
            if (count == CK_PANEL)
                for (size_t i = 0; i < CK_PANEL; i += 16) store16(out + i, load16(x + i));
            else
                for (size_t i = 0; i < count; i++) out[i] = x[i];
        }
    }
}

// `rows` x (16 * vectors) sums over `depth`, in registers. b advances 64 floats a step.
INLINE void tile_f32(
    const int rows, const int vectors, const float *a, size_t a_stride, size_t depth, const float *b,
    size_t b_stride, float *out, size_t out_stride) {
    v16 sum[rows][vectors];
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)
        _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++) sum[r][v] = splat(0.0f);
    for (size_t k = 0; k < depth; k++) {
        v16 weight[vectors];
        _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++)
            weight[v] = load16(b + k * b_stride + 16 * v);
        _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) {
            v16 value = splat(a[r * a_stride + k]);
            _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++)
                sum[r][v] = fma16(value, weight[v], sum[r][v]);
        }
    }
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)
        _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++)
            store16(out + r * out_stride + 16 * v, sum[r][v]);
}

// Up to 6 rows of 16, 32 or 64 columns.
#define TILE_F32(NAME, VECTORS)                                                                        \
    static void NAME(                                                                                  \
        size_t rows, const float *a, size_t a_stride, size_t depth, const float *b, size_t b_stride,   \
        float *out, size_t out_stride) {                                                               \
        switch (rows) {                                                                                \
        case 1: tile_f32(1, VECTORS, a, a_stride, depth, b, b_stride, out, out_stride); break;         \
        case 2: tile_f32(2, VECTORS, a, a_stride, depth, b, b_stride, out, out_stride); break;         \
        case 3: tile_f32(3, VECTORS, a, a_stride, depth, b, b_stride, out, out_stride); break;         \
        case 4: tile_f32(4, VECTORS, a, a_stride, depth, b, b_stride, out, out_stride); break;         \
        case 5: tile_f32(5, VECTORS, a, a_stride, depth, b, b_stride, out, out_stride); break;         \
        case 6: tile_f32(6, VECTORS, a, a_stride, depth, b, b_stride, out, out_stride); break;         \
        }                                                                                              \
    }
TILE_F32(tile_f32_one, 1)
#if CK_TILE_VECTORS == 4
TILE_F32(tile_f32_pair, 2)
TILE_F32(tile_f32_wide, 4)
#define tile_f32_rows tile_f32_wide
#else
#define tile_f32_rows tile_f32_one
#endif

// How many of `left` rows the next tile takes: six, or what is left shared evenly by the last two.
INLINE size_t rows_of_tile(size_t left) {
    if (left <= CK_TILE_ROWS || left >= 2 * CK_TILE_ROWS) return left < CK_TILE_ROWS ? left : CK_TILE_ROWS;
    return (left + 1) / 2;
}

static void linear_f32(const ck_linear *op) {
    float tile[CK_TILE_ROWS][CK_PANEL] __attribute__((aligned(64)));
    for (size_t panel = op->panel_first; panel < op->panel_first + op->panel_count; panel++) {
        const float *b = (const float *)op->panels + panel * op->depth * CK_PANEL;
        for (size_t row = 0; row < op->rows;) {
            size_t rows = rows_of_tile(op->rows - row);
            const float *a = (const float *)op->a + row * op->a_stride;
            for (size_t slice = 0; slice < CK_PANEL; slice += 16 * CK_TILE_VECTORS)
                tile_f32_rows(
                    rows, a, op->a_stride, op->depth, b + slice, CK_PANEL, &tile[0][slice], CK_PANEL);
            finish_rows(op, row, rows, panel, tile);
            row += rows;
        }
    }
}

// Scores to weights, in place: e^(scale (x - max)) over `keys`, zero up to the next multiple of 16; returns
// the sum.
INLINE float soften(float *x, size_t keys, float scale) {
    size_t end = (keys + 15) / 16 * 16;
    for (size_t i = keys; i < end; i++) x[i] = -INFINITY;
    v16 greatest = load16(x);
    for (size_t i = 16; i < end; i += 16) greatest = max16(greatest, load16(x + i));
    v16 top = splat(fold_max(greatest)), sum = splat(0.0f);
    for (size_t i = 0; i < end; i += 16) {
        v16 y = exp16((load16(x + i) - top) * scale);
        store16(x + i, y);
        sum += y;
    }
    return fold_sum(sum);
}

// Keys into panels [keys / 64][head_size][64], values into rows padded to 16 columns.
static void arrange_f32(const ck_attention *op, float *keys, float *values, size_t value_stride) {
    const float *k = op->k, *v = op->v;
    for (size_t key = 0; key < op->keys; key++) {
        float *column = keys + key / CK_PANEL * op->head_size * CK_PANEL + key % CK_PANEL;
        for (size_t i = 0; i < op->head_size; i++) column[i * CK_PANEL] = k[key * op->stride + i];
        float *row = values + key * value_stride;
        for (size_t i = 0; i < op->head_size; i++) row[i] = v[key * op->stride + i];
        for (size_t i = op->head_size; i < value_stride; i++) row[i] = 0.0f;
    }
    for (size_t key = op->keys; key % CK_PANEL; key++) {
        float *column = keys + key / CK_PANEL * op->head_size * CK_PANEL + key % CK_PANEL;
        for (size_t i = 0; i < op->head_size; i++) column[i * CK_PANEL] = 0.0f;
    }
}

static void finish_head(
    const ck_attention *op, size_t query, size_t rows, const float *sums, size_t stride,
    const float *inverse) {
    for (size_t r = 0; r < rows; r++) {
        size_t at = (query + r) * op->out_stride;
        for (size_t i = 0; i < op->head_size; i += 16) {
            v16 x = load16(sums + r * stride + i) * inverse[r];
            size_t count = op->head_size - i;
            if (op->out_dtype == CK_F32) {
                float *out = (float *)op->out + at + i;
                if (count >= 16) store16(out, x);
                else store_part(out, x, count);
            } else {
                uint16_t *out = (uint16_t *)op->out + at + i;
                h16 narrowed = narrow16(x);
                if (count >= 16) *(h16_any *)out = narrowed;
                else
                    for (size_t j = 0; j < count; j++) out[j] = narrowed[j];
            }
        }
    }
}

// Weights times values for as many columns as one tile spans; returns how many.
INLINE size_t weigh_values(
    size_t rows, const float *strip, size_t strip_stride, size_t keys, const float *values, size_t stride,
    size_t done, float *sums) {
#if CK_TILE_VECTORS == 4
    if (stride - done >= 64) {
        tile_f32_wide(rows, strip, strip_stride, keys, values, stride, sums, stride);
        return 64;
    }
    if (stride - done >= 32) {
        tile_f32_pair(rows, strip, strip_stride, keys, values, stride, sums, stride);
        return 32;
    }
#else
    (void)done;
#endif
    tile_f32_one(rows, strip, strip_stride, keys, values, stride, sums, stride);
    return 16;
}

// Strips of up to 6 queries against all keys: scores, softmax in place, weights times values.
static void attention_f32(const ck_attention *op) {
    size_t key_columns = (op->keys + CK_PANEL - 1) / CK_PANEL * CK_PANEL;
    size_t head_columns = (op->head_size + 15) / 16 * 16;
    float *keys = op->scratch, *values = keys + key_columns * op->head_size;
    float *strip = values + op->keys * head_columns;
    arrange_f32(op, keys, values, head_columns);
    for (size_t query = 0; query < op->queries;) {
        size_t rows = rows_of_tile(op->queries - query);
        const float *q = (const float *)op->q + query * op->stride;
        for (size_t column = 0; column < op->keys; column += 16 * CK_TILE_VECTORS) {
            const float *b = keys + column / CK_PANEL * op->head_size * CK_PANEL + column % CK_PANEL;
            tile_f32_rows(rows, q, op->stride, op->head_size, b, CK_PANEL, strip + column, key_columns);
        }
        float inverse[CK_TILE_ROWS];
        for (size_t r = 0; r < rows; r++) inverse[r] = 1.0f / soften(strip + r * key_columns, op->keys, op->scale);
        // The scores are spent row by row, so the sums may not overwrite them.
        float *sums = strip + CK_TILE_ROWS * key_columns;
        for (size_t i = 0; i < head_columns;)
            i += weigh_values(rows, strip, key_columns, op->keys, values + i, head_columns, i, sums + i);
        finish_head(op, query, rows, sums, head_columns, inverse);
        query += rows;
    }
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

static void narrow(const float *x, uint16_t *out, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) *(h16_any *)(out + i) = narrow16(load16(x + i));
    for (; i < count; i++) out[i] = ck_float_bf16(x[i]);
}
