// SIMD kernels of the encoder: one table of functions for each instruction set.
//
// Nothing here allocates, blocks, or keeps state; every pointer belongs to the caller. In every table each
// output element is computed by the same operations in the same order whatever the number of rows beside
// it, so a text's vector does not depend on its batch, and a range of panels, heads or rows may be given to
// any thread.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The columns of one panel of packed weights.
#define CK_PANEL 64

// How numbers are stored.
typedef enum { CK_F32 = 0, CK_F16 = 1, CK_BF16 = 2 } ck_dtype;

// What is applied to a linear layer's output.
typedef enum {
    CK_IDENTITY = 0,
    CK_GELU = 1,        // x * (1 + erf(x / sqrt 2)) / 2
    CK_GELU_TANH = 2,   // x * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
    CK_RELU = 3,
    CK_SILU = 4,        // x * sigmoid(x)
    CK_QUICK_GELU = 5,  // x * sigmoid(1.702 x)
    CK_TANH = 6,
    CK_SIGMOID = 7,
} ck_activation;

// out[r][n] = activation(sum over k of a[r][k] * w[n][k] + bias[n]) + residual[r][n], for the rows given and
// the columns of panels panel_first ..< panel_first + panel_count.
//
// float32: a is float, panels are float [panel][depth][64].
// bfloat16: a is uint16_t with depth rounded up to even (zeros), panels [panel][depth / 2][64][2].
// int8: a is uint8_t with depth rounded up to 4, panels int8_t [panel][depth / 4][64][4], and the product is
// (acc - row_zero[r] * column_sum[n]) * row_scale[r] * column_scale[n].
typedef struct {
    const void *a;
    size_t a_stride;  // elements from row to row
    size_t rows;
    size_t depth;
    const void *panels;  // panel 0
    size_t panel_first, panel_count;
    size_t columns;     // all of the matrix; the last panel may be partial
    const float *bias;  // 64 * panels values, or NULL
    ck_activation activation;
    const float *residual;  // NULL when there is none
    size_t residual_stride;
    void *out;  // row 0, column 0 of the whole
    size_t out_stride;
    ck_dtype out_dtype;  // CK_F32 or CK_BF16
    const float *row_scale;
    const int32_t *row_zero;
    const float *column_scale;
    const int32_t *column_sum;
} ck_linear;

// Softmax(scale * (q k^T + bias)) v of one head of one sequence.
typedef struct {
    const void *q, *k, *v;  // row 0 of the sequence, column 0 of the head
    size_t stride;          // elements from token to token, of q, k and v alike
    size_t queries, keys, head_size;
    float scale;    // above zero
    // What key k adds to the score of query q is bias[q * bias_stride + k]; NULL for nothing. With a stride of
    // -1 it is a function of k - q.
    const float *bias;
    ptrdiff_t bias_stride;
    // With a window, query q takes the keys from q - behind to q + ahead alone; queries <= keys then.
    int has_window;
    size_t behind, ahead;  // SIZE_MAX for all
    // Keys that are taken at once, a multiple of 64; 0 for all. By blocks the softmax is a running one: key k is of
    // block k / key_block, and a query's sums of each block are added in turn, made relative to the greatest score.
    size_t key_block;
    void *scratch;  // ck_attention_scratch(keys, head_size) bytes, aligned to 64
    void *out;
    size_t out_stride;
    ck_dtype out_dtype;  // CK_F32 or CK_BF16
} ck_attention;

// Row by row: layer_norm is out = (x - mean) / sqrt(variance + epsilon) * gain + shift, and rms_norm
// out = x / sqrt(mean of squares + epsilon) * gain + residual.
typedef struct {
    const float *x;
    size_t x_stride, rows, columns;
    const float *gain, *shift;  // shift may be NULL, and is of layer_norm alone
    float epsilon;
    const float *residual;  // of rms_norm alone; NULL for none
    size_t residual_stride;
    float *out;  // may be x, or the residual
    size_t out_stride;
    uint16_t *out_bf16;  // a second copy, or NULL
    size_t out_bf16_stride;
} ck_norm;

// x[r][c] = activation(x[r][gate + c]) * x[r][up + c] for c < columns: in place, over the first half of a row.
typedef struct {
    void *x;
    ck_dtype dtype;  // CK_F32 or CK_BF16
    size_t stride, rows, columns;
    size_t gate, up;  // 0 and columns, one way or the other
    ck_activation activation;
} ck_gating;

// The greatest head_size that `heads` takes.
#define CK_HEAD_MAXIMUM 1024

// What is done to queries and keys before attention, to each head of each row in place: a norm over the head,
// then rotary positions (Su et al., 2021). Pair i of the first `rotary` columns is (i, i + rotary / 2), or
// (2 i, 2 i + 1) when interleaved; it becomes (a cos - b sin, b cos + a sin).
typedef struct {
    void *x;
    ck_dtype dtype;  // CK_F32 or CK_BF16
    size_t stride, rows, heads, head_size;
    const float *gain;   // head_size values; NULL for no norm
    const float *shift;  // NULL for none
    int is_centred;      // a layer norm; otherwise one by the mean of squares
    float epsilon;
    const float *cosine, *sine;  // [rows][rotary / 2]; NULL for no rotation
    size_t rotary;
    int is_interleaved;
} ck_heads;

// Rows to u8 with a scale and zero point each: x[c] / smooth[c] ~ scale * (q[c] - zero).
typedef struct {
    const void *x;
    ck_dtype x_dtype;  // CK_F32 or CK_BF16
    size_t x_stride, rows, columns;
    const float *inverse_smooth;  // NULL for ones
    uint8_t *out;                 // columns up to the next multiple of 4 are set to zero
    size_t out_stride;
    float *scale;
    int32_t *zero;
} ck_quantize;

// The kinds of products.
typedef enum { CK_KIND_F32 = 0, CK_KIND_BF16 = 1, CK_KIND_INT8 = 2 } ck_kind;

typedef struct {
    const char *name;
    void (*linear_f32)(const ck_linear *);
    void (*linear_bf16)(const ck_linear *);
    void (*linear_int8)(const ck_linear *);
    void (*attention_f32)(const ck_attention *);
    void (*attention_bf16)(const ck_attention *);
    void (*layer_norm)(const ck_norm *);
    void (*rms_norm)(const ck_norm *);
    void (*gate)(const ck_gating *);
    void (*heads)(const ck_heads *);
    void (*quantize)(const ck_quantize *);
    // float32 to bfloat16, to nearest, ties to even.
    void (*narrow)(const float *x, uint16_t *out, size_t count);
    // In place.
    void (*activate)(float *x, size_t count, ck_activation activation);
    // Multiplies and adds in registers alone, `rounds` times, and returns how many operations that were.
    size_t (*exercise)(ck_kind kind, size_t rounds);
} ck_table;

// The table of that name when it is compiled in and this processor and system can run it, else NULL.
const ck_table *ck_table_named(const char *name);

// The names compiled in, best first; NULL past the end.
const char *ck_table_name(size_t index);

// Queries that go through the blocks of keys together.
#define CK_ATTENTION_ROWS 96

// Bytes of scratch for one head; enough for each of the tables, for either attention and for any blocks.
size_t ck_attention_scratch(size_t keys, size_t head_size);

// Elements widened to float32. x may lie at any address.
void ck_widen(const void *x, ck_dtype dtype, float *out, size_t count);

// out[t] = word[id[t]] + position[t] + type: rows of tables of any dtype, at any address; NULL tables are
// left out.
typedef struct {
    const int32_t *ids;
    const int32_t *positions;
    const int32_t *types;  // NULL for row 0
    size_t tokens, columns;
    const void *word;
    ck_dtype word_dtype;
    const float *position;
    const float *type;
    float *out;
    size_t out_stride;
} ck_embedding;
void ck_embed(const ck_embedding *);

// Weights [outputs][depth], row stride `depth`, to the panels that `linear_*` reads. The panels' spare columns
// and depth are zero. Packs panels panel_first ..< panel_first + panel_count.
typedef struct {
    const void *weights;
    ck_dtype dtype;
    size_t outputs, depth;
    size_t panel_first, panel_count;
    const float *smooth;  // int8: weights are multiplied by smooth[k]; NULL for ones
    void *panels;
    float *column_scale;  // int8 only
    int32_t *column_sum;  // int8 only
} ck_packing;
void ck_pack_f32(const ck_packing *);
void ck_pack_bf16(const ck_packing *);
void ck_pack_int8(const ck_packing *);

// maxima[k] = max(maxima[k], abs(x[row][k])) over all rows, which start `stride` elements apart.
void ck_column_maxima(
    const void *x, ck_dtype dtype, size_t stride, size_t rows, size_t columns, float *maxima);

// Tells the processor that the thread is spinning.
static inline void ck_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

#ifdef __cplusplus
}
#endif
#endif
