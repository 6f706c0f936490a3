// Linear layers over `vector.h`: register tiles of up to 6 rows by 64 (or 16) columns, and what is done to
// their sums before they are stored. Every sum runs over the whole depth in order.

// ---- Products: one step of each kind adds what one word of the row and of each column holds.

INLINE v16 step_f32(v16 sum, u16v a, u16v b) { return fma16((v16)a, (v16)b, sum); }

INLINE v16 step_bf16(v16 sum, u16v a, u16v b) {
#if defined(CK_NEON_BF16)
    return neon_bf16(sum, a, b);
#elif defined(CK_NATIVE_BF16)
    return (v16)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    sum = fma16((v16)(a << 16), (v16)(b << 16), sum);
    return fma16((v16)(a & 0xffff0000u), (v16)(b & 0xffff0000u), sum);
#endif
}

INLINE v16 step_int8(v16 sum, u16v a, u16v b) {
#if defined(CK_NATIVE_VNNI)
    return (v16)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif defined(CK_NEON_DOT)
    return (v16)neon_int8((i16)sum, a, b);
#elif defined(CK_NATIVE_MADD)
    return (v16)madd_int8((i16)sum, a, b);
#else
    i16 total = (i16)sum;
    _Pragma("clang loop unroll(full)") for (int byte = 0; byte < 4; byte++) total +=
        (i16)((a >> (8 * byte)) & 0xffu) * ((i16)(b << (24 - 8 * byte)) >> 24);
    return (v16)total;
#endif
}

// Lines of 64 bytes that a tile asks for while it computes, one a step: of weights that come after its own. They
// go to the second cache, whose streams the processor's own prefetching does not follow from panel to panel.
typedef struct {
    const char *first;
    size_t count;
} lines;

#define NO_LINES ((lines){NULL, 0})

INLINE void ask_for(const char *line) { __builtin_prefetch(line, 0, 2); }

// `rows` x (16 * vectors) sums over `depth` words of 1, 2 or 4 numbers, in registers. The weights of one word
// are b_stride words after those of the word before. `ahead` has at most `depth` lines.
#define TILE(NAME, STEP)                                                                               \
    INLINE void NAME(                                                                                  \
        const int rows, const int vectors, const uint32_t *a, size_t a_stride, size_t depth,           \
        const uint32_t *b, size_t b_stride, lines ahead, float *out, size_t out_stride) {              \
        v16 sum[CK_TILE_ROWS][4];                                                                      \
        UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++) sum[r][v] =     \
            splat(0.0f);                                                                               \
        size_t k = 0;                                                                                  \
        for (; k < ahead.count; k++) {                                                                 \
            ask_for(ahead.first + 64 * k);                                                             \
            TILE_STEP(STEP)                                                                            \
        }                                                                                              \
        for (; k < depth; k++) TILE_STEP(STEP)                                                         \
        UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++)                 \
            store16(out + r * out_stride + 16 * v, sum[r][v]);                                         \
    }
#define TILE_STEP(STEP)                                                                                \
    {                                                                                                  \
        u16v weight[4];                                                                                \
        UNROLL for (int v = 0; v < vectors; v++) weight[v] = load_words(b + k * b_stride + 16 * v);    \
        UNROLL for (int r = 0; r < rows; r++) {                                                        \
            u16v value = (u16v)(word_at(a, r * a_stride, k));                                          \
            UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = STEP(sum[r][v], value, weight[v]);    \
        }                                                                                              \
    }
#define UNROLL _Pragma("clang loop unroll(full)")

// Word k of the row that starts `offset` bytes after a; rows of bytes or halves may start anywhere.
INLINE uint32_t word_at(const uint32_t *a, size_t offset, size_t k) {
    typedef uint32_t any __attribute__((aligned(1), may_alias));
    return *(const any *)((const char *)a + offset + 4 * k);
}

TILE(tile_f32, step_f32)
TILE(tile_bf16, step_bf16)
TILE(tile_int8, step_int8)

// The same for any number of rows up to 6. `a_stride` is in bytes.
#define TILE_ROWS(NAME, BODY, VECTORS)                                                                 \
    static void NAME(                                                                                  \
        size_t rows, const void *a, size_t a_stride, size_t depth, const void *b, size_t b_stride,     \
        lines ahead, float *out, size_t out_stride) {                                                  \
        switch (rows) {                                                                                \
        case 1: BODY(1, VECTORS, a, a_stride, depth, b, b_stride, ahead, out, out_stride); break;      \
        case 2: BODY(2, VECTORS, a, a_stride, depth, b, b_stride, ahead, out, out_stride); break;      \
        case 3: BODY(3, VECTORS, a, a_stride, depth, b, b_stride, ahead, out, out_stride); break;      \
        case 4: BODY(4, VECTORS, a, a_stride, depth, b, b_stride, ahead, out, out_stride); break;      \
        case 5: BODY(5, VECTORS, a, a_stride, depth, b, b_stride, ahead, out, out_stride); break;      \
        case 6: BODY(6, VECTORS, a, a_stride, depth, b, b_stride, ahead, out, out_stride); break;      \
        }                                                                                              \
    }
TILE_ROWS(tile_f32_one, tile_f32, 1)
TILE_ROWS(tile_bf16_one, tile_bf16, 1)
#if CK_TILE_VECTORS == 4
TILE_ROWS(tile_f32_pair, tile_f32, 2)
TILE_ROWS(tile_bf16_pair, tile_bf16, 2)
TILE_ROWS(tile_f32_wide, tile_f32, 4)
TILE_ROWS(tile_bf16_wide, tile_bf16, 4)
TILE_ROWS(tile_int8_rows, tile_int8, 4)
#define tile_f32_rows tile_f32_wide
#define tile_bf16_rows tile_bf16_wide
#else
TILE_ROWS(tile_int8_rows, tile_int8, 1)
#define tile_f32_rows tile_f32_one
#define tile_bf16_rows tile_bf16_one
#endif

// How many of `left` rows the next tile takes: six, or what is left shared evenly by the last two.
INLINE size_t rows_of_tile(size_t left) {
    if (left <= CK_TILE_ROWS || left >= 2 * CK_TILE_ROWS) return left < CK_TILE_ROWS ? left : CK_TILE_ROWS;
    return (left + 1) / 2;
}

// ---- What becomes of the sums.

// What the eight-bit products take off each number of a row to make it signed.
#ifndef CK_ROW_SHIFT
#define CK_ROW_SHIFT 0
#endif

typedef struct {
    const float *bias, *scale;  // of the panel's first column
    const int32_t *sums;
    float row_scale;
    int32_t row_zero;
} column_values;

// Sums in float32, or in 32-bit integers that are scaled first.
INLINE v16 finished16(
    v16 x, const column_values *at, size_t i, int is_int8, ck_activation activation, ck_dtype out_dtype) {
    if (is_int8) {
        i16 sum = (i16)x - at->row_zero * *(const i16_any *)(at->sums + i);
        x = __builtin_convertvector(sum, v16) * (at->row_scale * load16(at->scale + i));
    }
    if (at->bias) x += load16(at->bias + i);
    return activated16(x, activation, out_dtype);
}

INLINE void finish_tile(
    const ck_linear *op, size_t row, size_t rows, size_t panel, float tile[][CK_PANEL], int is_int8,
    ck_activation activation, ck_dtype out_dtype) {
    size_t column = panel * CK_PANEL;
    size_t count = op->columns - column < CK_PANEL ? op->columns - column : CK_PANEL;
    column_values at = {
        .bias = op->bias ? op->bias + column : NULL,
        .scale = is_int8 ? op->column_scale + column : NULL,
        .sums = is_int8 ? op->column_sum + column : NULL,
    };
    for (size_t r = 0; r < rows; r++) {
        if (is_int8) {
            at.row_scale = op->row_scale[row + r];
            at.row_zero = op->row_zero[row + r] - CK_ROW_SHIFT;
        }
        v16 x[4];
        UNROLL for (int v = 0; v < 4; v++) x[v] =
            finished16(load16(&tile[r][16 * v]), &at, 16 * v, is_int8, activation, out_dtype);
        size_t to = (row + r) * op->out_stride + column;
        const float *residual = op->residual ? op->residual + (row + r) * op->residual_stride + column : NULL;
        if (count < CK_PANEL) {
            UNROLL for (int v = 0; v < 4; v++) store16(&tile[r][16 * v], x[v]);
            for (size_t i = 0; i < count; i++) {
                float y = tile[r][i] + (residual ? residual[i] : 0.0f);
                if (out_dtype == CK_BF16) ((uint16_t *)op->out)[to + i] = ck_float_bf16(y);
                else ((float *)op->out)[to + i] = y;
            }
            continue;
        }
        if (residual) UNROLL for (int v = 0; v < 4; v++) x[v] += load16(residual + 16 * v);
        if (out_dtype == CK_BF16)
            UNROLL for (int v = 0; v < 4; v++)
                *(h16_any *)((uint16_t *)op->out + to + 16 * v) = narrow16(x[v]);
        else
            UNROLL for (int v = 0; v < 4; v++) store16((float *)op->out + to + 16 * v, x[v]);
    }
}

#define FINISH_CASE(ACTIVATION, IS_INT8)                                                               \
    case ACTIVATION:                                                                                   \
        if (op->out_dtype == CK_BF16) finish_tile(op, row, rows, panel, tile, IS_INT8, ACTIVATION, CK_BF16); \
        else finish_tile(op, row, rows, panel, tile, IS_INT8, ACTIVATION, CK_F32);                     \
        break;
#define FINISH(NAME, IS_INT8)                                                                          \
    static void NAME(const ck_linear *op, size_t row, size_t rows, size_t panel, float tile[][CK_PANEL]) { \
        switch (op->activation) {                                                                      \
            FINISH_CASE(CK_IDENTITY, IS_INT8)                                                          \
            FINISH_CASE(CK_GELU, IS_INT8)                                                              \
            FINISH_CASE(CK_GELU_TANH, IS_INT8)                                                         \
            FINISH_CASE(CK_RELU, IS_INT8)                                                              \
            FINISH_CASE(CK_SILU, IS_INT8)                                                              \
            FINISH_CASE(CK_QUICK_GELU, IS_INT8)                                                        \
            FINISH_CASE(CK_TANH, IS_INT8)                                                              \
            FINISH_CASE(CK_SIGMOID, IS_INT8)                                                           \
        }                                                                                              \
    }
FINISH(finish_sums, 0)
FINISH(finish_integers, 1)

// How many tiles there are for one panel when each takes as many rows and columns as it can.
INLINE size_t tiles_of_panel(size_t rows) {
    return (rows + CK_TILE_ROWS - 1) / CK_TILE_ROWS * (4 / CK_TILE_VECTORS);
}

// Panels outside, tiles of rows inside: a panel stays in the second cache while the rows go by, and the tiles
// ask for the next one, each for a part. With too few of them the memory is the bound either way.
#define LINEAR(NAME, TILE_OF_ROWS, FINISH_TILE, BYTES, PER_WORD)                                       \
    static void NAME(const ck_linear *op) {                                                            \
        float tile[CK_TILE_ROWS][CK_PANEL] __attribute__((aligned(64)));                               \
        size_t words = (op->depth + PER_WORD - 1) / PER_WORD, stride = op->a_stride * BYTES;           \
        if (op->rows == 0) return;                                                                     \
        size_t tiles = tiles_of_panel(op->rows), part = (4 * words + tiles - 1) / tiles;               \
        size_t end = op->panel_first + op->panel_count;                                                \
        for (size_t panel = op->panel_first; panel < end; panel++) {                                   \
            const uint32_t *b = (const uint32_t *)op->panels + panel * words * CK_PANEL;               \
            lines ahead = NO_LINES;                                                                    \
            if (part <= words && panel + 1 < end)                                                      \
                ahead = (lines){(const char *)(b + words * CK_PANEL), part};                           \
            for (size_t row = 0; row < op->rows;) {                                                    \
                size_t rows = rows_of_tile(op->rows - row);                                            \
                const char *a = (const char *)op->a + row * stride;                                    \
                for (size_t slice = 0; slice < CK_PANEL; slice += 16 * CK_TILE_VECTORS) {              \
                    TILE_OF_ROWS(                                                                      \
                        rows, a, stride, words, b + slice, CK_PANEL, ahead, &tile[0][slice], CK_PANEL); \
                    ahead.first += 64 * ahead.count;                                                   \
                }                                                                                      \
                FINISH_TILE(op, row, rows, panel, tile);                                               \
                row += rows;                                                                           \
            }                                                                                          \
        }                                                                                              \
    }
LINEAR(linear_f32, tile_f32_rows, finish_sums, 4, 1)
LINEAR(linear_bf16, tile_bf16_rows, finish_sums, 2, 2)
LINEAR(linear_int8, tile_int8_rows, finish_integers, 1, 4)

// `rounds` steps of 24 independent sums in registers: what the arithmetic alone can do.
static size_t exercise(ck_kind kind, size_t rounds) {
    static const uint32_t words[3] = {0x3f000000u, 0x3f003f00u, 0x01010101u};
    volatile const uint32_t *source = &words[kind];
    u16v a = (u16v)(*source), b = (u16v)(*source);
    v16 sum[CK_TILE_ROWS * CK_TILE_VECTORS];
    UNROLL for (int i = 0; i < CK_TILE_ROWS * CK_TILE_VECTORS; i++) sum[i] = (v16)(a + (uint32_t)i);
#define ROUNDS(STEP)                                                                                   \
    for (size_t round = 0; round < rounds; round++)                                                    \
        UNROLL for (int i = 0; i < CK_TILE_ROWS * CK_TILE_VECTORS; i++) sum[i] = STEP(sum[i], a, b);   \
    break;
    switch (kind) {
    case CK_KIND_F32: ROUNDS(step_f32)
    case CK_KIND_BF16: ROUNDS(step_bf16)
    case CK_KIND_INT8: ROUNDS(step_int8)
    }
#undef ROUNDS
    v16 total = sum[0];
    for (int i = 1; i < CK_TILE_ROWS * CK_TILE_VECTORS; i++) total += sum[i];
    volatile float sink = fold_sum(total);
    (void)sink;
    return rounds * CK_TILE_ROWS * CK_TILE_VECTORS * 32 * (kind == CK_KIND_F32 ? 1 : kind == CK_KIND_BF16 ? 2 : 4);
}
