// Attention of one head over `vector.h`: strips of up to 6 queries against all keys, softmax in place, weights
// times values. A strip stays in the first cache. Of long texts the keys are taken block by block with a running
// softmax (Milakov & Gimelshein, 2018; Dao et al., 2022), so that blocks stay in the second cache.

// Keys by panels: word w of key j goes to out[j / 64][w][j % 64], with zeros for the keys past the last.
static void arrange_keys(
    const char *keys, size_t stride, size_t count, size_t words, size_t head_bytes, uint32_t *out) {
    for (size_t key = 0; key < count; key += 16) {
        size_t rows = count - key < 16 ? count - key : 16;
        uint32_t *panel = out + key / CK_PANEL * words * CK_PANEL + key % CK_PANEL;
        for (size_t word = 0; word < words; word += 16) {
            size_t columns = words - word < 16 ? words - word : 16;
            u16v x[16];
            size_t bytes = head_bytes - 4 * word;
            if (bytes >= 64 && rows == 16) {
                UNROLL for (size_t r = 0; r < 16; r++) x[r] = load_words(keys + (key + r) * stride + 4 * word);
            } else {
                uint32_t block[16][16] = {{0}};
                for (size_t r = 0; r < rows; r++)
                    memcpy(block[r], keys + (key + r) * stride + 4 * word, bytes < 64 ? bytes : 64);
                UNROLL for (size_t r = 0; r < 16; r++) x[r] = load_words(block[r]);
            }
            transpose16(x);
            for (size_t c = 0; c < columns; c++) store_words(panel + (word + c) * CK_PANEL, x[c]);
        }
    }
    size_t filled = (count + 15) / 16 * 16;
    for (size_t key = filled; key % CK_PANEL; key += 16)
        for (size_t word = 0; word < words; word++)
            store_words(
                out + key / CK_PANEL * words * CK_PANEL + word * CK_PANEL + key % CK_PANEL, (u16v)(0u));
}

// Keys that some queries take; the first is that of a panel.
typedef struct {
    size_t first, end;
} key_span;

INLINE key_span keys_of(const ck_attention *op, size_t query, size_t rows) {
    key_span span = {0, op->keys};
    if (!op->has_window) return span;
    size_t last = query + rows - 1;
    if (query > op->behind) span.first = (query - op->behind) / CK_PANEL * CK_PANEL;
    if (op->ahead < op->keys - last) span.end = last + op->ahead + 1;
    return span;
}

// Adds the biases of a query to its scores, which begin with that of the span's first key, and takes away the
// keys of the span outside its own window.
INLINE void adjust_scores(const ck_attention *op, size_t query, key_span span, float *x) {
    size_t count = span.end - span.first;
    if (op->bias) {
        const float *bias = op->bias + (ptrdiff_t)query * op->bias_stride + span.first;
        size_t i = 0;
        for (; i + 16 <= count; i += 16) store16(x + i, load16(x + i) + load16(bias + i));
        for (; i < count; i++) x[i] += bias[i];
    }
    if (!op->has_window) return;
    size_t first = query > op->behind ? query - op->behind : 0;
    size_t end = op->ahead < op->keys - query ? query + op->ahead + 1 : op->keys;
    for (size_t i = span.first; i < first && i < span.end; i++) x[i - span.first] = -INFINITY;
    for (size_t i = end > span.first ? end : span.first; i < span.end; i++) x[i - span.first] = -INFINITY;
}

// Fills the scores past the last key so that they take no part; returns the width that softmax runs over.
INLINE size_t pad_scores(float *x, size_t keys) {
    size_t end = (keys + 15) / 16 * 16;
    for (size_t i = keys; i < end; i++) x[i] = -INFINITY;
    return end;
}

INLINE float greatest_score(const float *x, size_t end) {
    v16 greatest = load16(x);
    for (size_t i = 16; i < end; i += 16) greatest = max16(greatest, load16(x + i));
    return fold_max(greatest);
}

// The greatest of the scores and of those before; what is not a number stays.
INLINE float raise_top(float top, float greatest) { return top > greatest ? top : greatest; }

// Scores to weights, in place; returns the sum. `*greatest` becomes that of these scores, too.
INLINE float soften_f32(float *x, size_t keys, float scale, float *greatest) {
    size_t end = pad_scores(x, keys);
    *greatest = raise_top(*greatest, greatest_score(x, end));
    v16 top = splat(*greatest), sum = splat(0.0f);
    for (size_t i = 0; i < end; i += 16) {
        v16 y = exp16((load16(x + i) - top) * scale);
        store16(x + i, y);
        sum += y;
    }
    return fold_sum(sum);
}

// 2^(n + r) to 1e-4 of its value, which is well under what bfloat16 keeps; n is `shifted` - CK_MAGIC.
INLINE v16 exp2_part(v16 r, v16 shifted) {
    v16 p = splat(CK_EXP2_3);
    p = fma16(p, r, splat(CK_EXP2_2));
    p = fma16(p, r, splat(CK_EXP2_1));
    p = fma16(p, r, splat(1.0f));
    return of_bits(bits_of(p) + (bits_of(shifted) << 23));
}

// 2^x for -126 <= x <= 0, as right as that.
INLINE v16 exp2_short(v16 x) {
    v16 shifted = x + CK_MAGIC;
    return exp2_part(x - (shifted - CK_MAGIC), shifted);
}

// How far from 1 a row's greatest weight may be, as a power of 2, when weights are not relative to it.
#define CK_LEVEL 60.0f

// Scores to weights in bfloat16 in `out`, not relative to the greatest: 2^x is as right far from 1 as near it, so
// that no row waits for its greatest score first. Returns whether that was within CK_LEVEL of 0, which keeps
// weights and sums off the ends of float32; if not, the weights are not to be used. It looks at the row's own
// scores alone, for a row must not depend on those beside it.
INLINE int soften_level_bf16(float *x, uint16_t *out, size_t keys, float scale, float *total) {
    float factor = scale * CK_LOG2E, least = -126.0f / factor, level = CK_LEVEL / factor;
    v16 greatest = splat(-INFINITY), sum = splat(0.0f);
    size_t end = pad_scores(x, keys);
    for (size_t i = 0; i < end; i += 16) {
        v16 score = load16(x + i);
        greatest = max16(greatest, score);
        score = max16(score, splat(least));
        v16 shifted = fma16(score, splat(factor), splat(CK_MAGIC));
        v16 y = exp2_part(fma16(score, splat(factor), -(shifted - CK_MAGIC)), shifted);
        *(h16_any *)(out + i) = narrow16(y);
        sum += y;
    }
    *total = fold_sum(sum);
    return fabsf(fold_max(greatest)) < level;
}

// Scores to weights in bfloat16 in `out`; returns the sum.
INLINE float soften_bf16(float *x, uint16_t *out, size_t keys, float scale, float *greatest) {
    size_t end = pad_scores(x, keys);
    float factor = scale * CK_LOG2E;
    *greatest = raise_top(*greatest, greatest_score(x, end));
    v16 top = splat(-*greatest * factor), sum = splat(0.0f);
    for (size_t i = 0; i < end; i += 16) {
        v16 y = exp2_short(max16(fma16(load16(x + i), splat(factor), top), splat(-126.0f)));
        *(h16_any *)(out + i) = narrow16(y);
        sum += y;
    }
    // The padding's 2^-126 is no part of any sum that float32 can tell from the true one.
    return fold_sum(sum);
}

// Sums to the head's columns of the output, each row times its inverse.
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

// Weights times values for all columns of the head; `words` of weights a row, values [words][stride].
#if CK_TILE_VECTORS == 4
#define WEIGH(NAME, KIND)                                                                              \
    INLINE void NAME(                                                                                  \
        size_t rows, const void *weights, size_t weight_stride, size_t words, const uint32_t *values,  \
        size_t stride, float *sums) {                                                                  \
        for (size_t i = 0; i < stride;) {                                                              \
            if (stride - i >= 64) {                                                                    \
                KIND##_wide(                                                                           \
                    rows, weights, weight_stride, words, values + i, stride, NO_LINES, sums + i, stride); \
                i += 64;                                                                               \
            } else if (stride - i >= 32) {                                                             \
                KIND##_pair(                                                                           \
                    rows, weights, weight_stride, words, values + i, stride, NO_LINES, sums + i, stride); \
                i += 32;                                                                               \
            } else {                                                                                   \
                KIND##_one(                                                                            \
                    rows, weights, weight_stride, words, values + i, stride, NO_LINES, sums + i, stride); \
                i += 16;                                                                               \
            }                                                                                          \
        }                                                                                              \
    }
#else
#define WEIGH(NAME, KIND)                                                                              \
    INLINE void NAME(                                                                                  \
        size_t rows, const void *weights, size_t weight_stride, size_t words, const uint32_t *values,  \
        size_t stride, float *sums) {                                                                  \
        for (size_t i = 0; i < stride; i += 16)                                                        \
            KIND##_one(                                                                                \
                rows, weights, weight_stride, words, values + i, stride, NO_LINES, sums + i, stride);  \
    }
#endif
WEIGH(weigh_f32, tile_f32)
WEIGH(weigh_bf16, tile_bf16)

// Values by rows of whole vectors.
static void arrange_values_f32(const ck_attention *op, float *out, size_t stride) {
    const float *v = op->v;
    for (size_t key = 0; key < op->keys; key++, v += op->stride, out += stride)
        for (size_t i = 0; i < stride; i += 16)
            store16(
                out + i,
                op->head_size - i >= 16 ? load16(v + i) : load_part(v + i, op->head_size - i, 0.0f));
}

// Where the parts of a head's scratch lie, and their widths.
typedef struct {
    uint32_t *keys, *values;  // by panels of 64 keys; by rows of `head_columns` words
    size_t words, head_columns;
    float *strip;  // [CK_TILE_ROWS][strip_columns]: scores
    size_t strip_columns;
    float *sums;        // [CK_TILE_ROWS][head_columns]: weights times values
    float *running;     // [CK_ATTENTION_ROWS][head_columns]: the same of all blocks until now
    uint16_t *weights;  // of bfloat16 alone: as `strip`
    uint16_t *copy;     // of bfloat16 alone: queries
    int by_blocks;      // whether the softmax is a running one
} attention_layout;

// What a strip of queries gives of the keys in `span`: the rows' sums in the layout, and the sum of each row's
// weights in `totals`. `tops` are the greatest scores until now, which the weights are relative to.
typedef void strip_function(
    const ck_attention *, const attention_layout *, size_t query, size_t rows, key_span span, float *tops,
    float *totals);

// All keys at once.
INLINE void attend_whole(const ck_attention *op, const attention_layout *at, strip_function *strip) {
    for (size_t query = 0; query < op->queries;) {
        size_t rows = rows_of_tile(op->queries - query);
        float tops[CK_TILE_ROWS], totals[CK_TILE_ROWS], inverse[CK_TILE_ROWS];
        for (size_t r = 0; r < rows; r++) tops[r] = -INFINITY;
        strip(op, at, query, rows, keys_of(op, query, rows), tops, totals);
        for (size_t r = 0; r < rows; r++) inverse[r] = 1.0f / totals[r];
        finish_head(op, query, rows, at->sums, at->head_columns, inverse);
        query += rows;
    }
}

// Below every score, and finite: a block may have no key for a query.
#define CK_NO_SCORE (-1e30f)

// Adds a strip's part of a block to what its rows have of the blocks before, all made relative to the new tops.
INLINE void join_block(
    const ck_attention *op, const attention_layout *at, size_t rows, const float *before, const float *tops,
    const float *part, float *totals, float *running) {
    for (size_t r = 0; r < rows; r++) {
        float factor = ck_exp((before[r] - tops[r]) * op->scale);
        totals[r] = fmaf(totals[r], factor, part[r]);
        for (size_t i = 0; i < at->head_columns; i += 16) {
            float *x = running + r * at->head_columns + i;
            store16(x, fma16(load16(x), splat(factor), load16(at->sums + r * at->head_columns + i)));
        }
    }
}

// Blocks of keys outside, strips inside, for some queries at a time: a block is read from the second cache.
INLINE void attend_blocks(const ck_attention *op, const attention_layout *at, strip_function *strip) {
    float tops[CK_ATTENTION_ROWS], totals[CK_ATTENTION_ROWS], before[CK_TILE_ROWS], part[CK_TILE_ROWS];
    for (size_t first = 0; first < op->queries; first += CK_ATTENTION_ROWS) {
        size_t left = op->queries - first, count = left < CK_ATTENTION_ROWS ? left : CK_ATTENTION_ROWS;
        for (size_t r = 0; r < count; r++) tops[r] = CK_NO_SCORE, totals[r] = 0.0f;
        memset(at->running, 0, 4 * count * at->head_columns);
        key_span all = keys_of(op, first, count);
        for (size_t block = all.first / op->key_block * op->key_block; block < all.end; block += op->key_block)
            for (size_t row = 0, rows; row < count; row += rows) {
                rows = rows_of_tile(count - row);
                key_span span = keys_of(op, first + row, rows);
                if (span.first < block) span.first = block;
                if (span.end > block + op->key_block) span.end = block + op->key_block;
                if (span.first >= span.end) continue;
                memcpy(before, tops + row, 4 * rows);
                strip(op, at, first + row, rows, span, tops + row, part);
                join_block(
                    op, at, rows, before, tops + row, part, totals + row, at->running + row * at->head_columns);
            }
        for (size_t r = 0; r < count; r++) totals[r] = 1.0f / totals[r];
        finish_head(op, first, count, at->running, at->head_columns, totals);
    }
}

static void strip_f32(
    const ck_attention *op, const attention_layout *at, size_t query, size_t rows, key_span span, float *tops,
    float *totals) {
    const float *q = (const float *)op->q + query * op->stride;
    size_t count = span.end - span.first;
    for (size_t column = span.first; column < span.end; column += 16 * CK_TILE_VECTORS)
        tile_f32_rows(
            rows, q, 4 * op->stride, op->head_size,
            at->keys + column / CK_PANEL * op->head_size * CK_PANEL + column % CK_PANEL, CK_PANEL,
            NO_LINES, at->strip + column - span.first, at->strip_columns);
    for (size_t r = 0; r < rows; r++) {
        float *scores = at->strip + r * at->strip_columns;
        adjust_scores(op, query + r, span, scores);
        totals[r] = soften_f32(scores, count, op->scale, tops + r);
    }
    weigh_f32(
        rows, at->strip, 4 * at->strip_columns, count, at->values + span.first * at->head_columns,
        at->head_columns, at->sums);
}

static void attention_f32(const ck_attention *op) {
    size_t key_columns = (op->keys + CK_PANEL - 1) / CK_PANEL * CK_PANEL;
    size_t head_columns = (op->head_size + 15) / 16 * 16;
    int by_blocks = op->key_block > 0 && op->key_block < op->keys;
    float *keys = op->scratch, *values = keys + key_columns * op->head_size;
    attention_layout at = {
        .keys = (uint32_t *)keys, .values = (uint32_t *)values, .words = op->head_size,
        .head_columns = head_columns, .strip = values + op->keys * head_columns,
        .strip_columns = by_blocks ? op->key_block : key_columns,
    };
    at.sums = at.strip + CK_TILE_ROWS * at.strip_columns;
    at.running = at.sums + CK_TILE_ROWS * head_columns;
    arrange_keys(op->k, 4 * op->stride, op->keys, op->head_size, 4 * op->head_size, at.keys);
    arrange_values_f32(op, values, head_columns);
    if (by_blocks) attend_blocks(op, &at, strip_f32);
    else attend_whole(op, &at, strip_f32);
}

// Values by pairs of rows: word (pair, column) holds the column of both.
static void arrange_values_bf16(const ck_attention *op, uint32_t *out, size_t stride) {
    const uint16_t *v = op->v;
    for (size_t key = 0; key < op->keys; key += 2, out += stride) {
        const uint16_t *even = v + key * op->stride, *odd = even + op->stride;
        int has_odd = key + 1 < op->keys;
        size_t i = 0;
        for (; i + 16 <= op->head_size; i += 16) {
            u16v low = __builtin_convertvector(*(const h16_any *)(even + i), u16v);
            u16v high = has_odd ? __builtin_convertvector(*(const h16_any *)(odd + i), u16v) : (u16v)(0u);
            store_words(out + i, low | high << 16);
        }
        for (; i < stride; i++)
            out[i] = i < op->head_size ? even[i] | (has_odd ? (uint32_t)odd[i] << 16 : 0) : 0;
    }
}

// Queries of an odd width have no zero behind them; they are copied where there is one.
INLINE const uint16_t *even_queries(
    const ck_attention *op, size_t query, size_t rows, uint16_t *copy, size_t width, size_t *stride) {
    const uint16_t *q = (const uint16_t *)op->q + query * op->stride;
    *stride = op->stride;
    if (op->head_size == width) return q;
    for (size_t r = 0; r < rows; r++) {
        memcpy(copy + r * width, q + r * op->stride, 2 * op->head_size);
        copy[r * width + width - 1] = 0;
    }
    *stride = width;
    return copy;
}

static void strip_bf16(
    const ck_attention *op, const attention_layout *at, size_t query, size_t rows, key_span span, float *tops,
    float *totals) {
    size_t stride, count = span.end - span.first;
    const uint16_t *q = even_queries(op, query, rows, at->copy, 2 * at->words, &stride);
    for (size_t column = span.first; column < span.end; column += 16 * CK_TILE_VECTORS)
        tile_bf16_rows(
            rows, q, 2 * stride, at->words,
            at->keys + column / CK_PANEL * at->words * CK_PANEL + column % CK_PANEL, CK_PANEL,
            NO_LINES, at->strip + column - span.first, at->strip_columns);
    unsigned steep = 0;
    for (size_t r = 0; r < rows; r++) {
        float *scores = at->strip + r * at->strip_columns;
        adjust_scores(op, query + r, span, scores);
        // A running softmax needs the greatest scores.
        int is_level = soften_level_bf16(scores, at->weights + r * at->strip_columns, count, op->scale, totals + r);
        steep |= (unsigned)(at->by_blocks || !is_level) << r;
    }
    for (size_t r = 0; steep >> r; r++)
        if (steep >> r & 1)
            totals[r] = soften_bf16(
                at->strip + r * at->strip_columns, at->weights + r * at->strip_columns, count, op->scale, tops + r);
    weigh_bf16(
        rows, at->weights, 2 * at->strip_columns, (count + 1) / 2,
        at->values + span.first / 2 * at->head_columns, at->head_columns, at->sums);
}

static void attention_bf16(const ck_attention *op) {
    size_t key_columns = (op->keys + CK_PANEL - 1) / CK_PANEL * CK_PANEL;
    size_t head_columns = (op->head_size + 15) / 16 * 16, words = (op->head_size + 1) / 2;
    int by_blocks = op->key_block > 0 && op->key_block < op->keys;
    uint32_t *keys = op->scratch, *values = keys + key_columns * words;
    attention_layout at = {
        .keys = keys, .values = values, .words = words, .head_columns = head_columns,
        .strip = (float *)(values + (op->keys + 1) / 2 * head_columns),
        .strip_columns = by_blocks ? op->key_block : key_columns, .by_blocks = by_blocks,
    };
    at.sums = at.strip + CK_TILE_ROWS * at.strip_columns;
    at.running = at.sums + CK_TILE_ROWS * head_columns;
    at.weights = (uint16_t *)(at.running + (by_blocks ? CK_ATTENTION_ROWS * head_columns : 0));
    at.copy = at.weights + CK_TILE_ROWS * at.strip_columns;
    arrange_keys(op->k, 2 * op->stride, op->keys, words, 2 * op->head_size, keys);
    arrange_values_bf16(op, values, head_columns);
    if (by_blocks) attend_blocks(op, &at, strip_bf16);
    else attend_whole(op, &at, strip_bf16);
}
