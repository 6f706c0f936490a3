// The kernel rung of the ladder: each kernel's speed on the layers of a 384-wide encoder, as a share of what the
// core's arithmetic alone does with the same instructions, measured just before. Thread time, medians.
//
//   clang -O3 -ffp-contract=off -ISources/CKernels/include Sources/CKernels/*.c Benchmarks/kernels.c -lm -o kernels
//   ./kernels avx512_bf16 int8
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ckernels.h"

enum { TRIALS = 21 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

// The best of a few short runs, in operations a second.
static double peak(const ck_table *table, ck_kind kind) {
    double best = 0;
    for (int i = 0; i < 8; i++) {
        double start = now();
        size_t operations = table->exercise(kind, 4000);
        double rate = (double)operations / (now() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

static void *memory(size_t size) {
    void *bytes;
    if (posix_memalign(&bytes, 64, size + 64)) abort();
    memset(bytes, 0, size + 64);
    return bytes;
}

static int by_size(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void linear(const ck_table *table, ck_kind kind, size_t rows, size_t depth, size_t columns) {
    static const size_t width[] = {4, 2, 1};
    void *a = memory(rows * depth * width[kind]), *panels = memory(columns * depth * width[kind]);
    float *bias = memory(columns * 4), *scale = memory(columns * 4), *row_scale = memory(rows * 4);
    ck_linear operation = {
        .a = a, .a_stride = depth, .rows = rows, .depth = depth, .panels = panels,
        .panel_count = columns / CK_PANEL, .columns = columns, .bias = bias,
        .activation = columns == 1536 ? CK_GELU : CK_IDENTITY, .out = memory(rows * columns * 4),
        .out_stride = columns, .out_dtype = kind == CK_KIND_F32 || columns == 384 ? CK_F32 : CK_BF16,
        .row_scale = row_scale, .row_zero = memory(rows * 4), .column_scale = scale,
        .column_sum = memory(columns * 4),
    };
    void (*run)(const ck_linear *) = kind == CK_KIND_F32    ? table->linear_f32
                                     : kind == CK_KIND_BF16 ? table->linear_bf16
                                                            : table->linear_int8;
    double work = 2.0 * (double)(rows * depth * columns), shares[TRIALS];
    for (int trial = 0; trial < TRIALS; trial++) {
        double most = peak(table, kind);
        long times = (long)(most * 2e-3 / work) + 1;
        double start = now();
        for (long i = 0; i < times; i++) run(&operation);
        shares[trial] = work * (double)times / (now() - start) / most;
    }
    qsort(shares, TRIALS, sizeof shares[0], by_size);
    printf("linear %4zu -> %4zu, %3zu rows: %5.1f%% of the peak\n", depth, columns, rows, 100 * shares[TRIALS / 2]);
    free(a), free(panels), free(bias), free(scale), free(row_scale), free(operation.out);
    free((void *)operation.row_zero), free((void *)operation.column_sum);
}

static void attention(const ck_table *table, ck_kind kind, size_t keys, size_t head) {
    size_t hidden = 384, width = kind == CK_KIND_F32 ? 4 : 2;
    char *mixed = memory(keys * 3 * hidden * width);
    ck_attention operation = {
        .q = mixed, .k = mixed + hidden * width, .v = mixed + 2 * hidden * width, .stride = 3 * hidden,
        .queries = keys, .keys = keys, .head_size = head, .scale = 0.2f,
        .scratch = memory(ck_attention_scratch(keys, head)), .out = memory(keys * hidden * width),
        .out_stride = hidden, .out_dtype = kind == CK_KIND_F32 ? CK_F32 : CK_BF16,
    };
    double work = 4.0 * (double)(keys * keys * head), shares[TRIALS];
    for (int trial = 0; trial < TRIALS; trial++) {
        double most = peak(table, kind == CK_KIND_F32 ? kind : CK_KIND_BF16);
        long times = (long)(most * 2e-3 / work) + 1;
        double start = now();
        for (long i = 0; i < times; i++)
            (kind == CK_KIND_F32 ? table->attention_f32 : table->attention_bf16)(&operation);
        shares[trial] = work * (double)times / (now() - start) / most;
    }
    qsort(shares, TRIALS, sizeof shares[0], by_size);
    printf("attention, %3zu keys, width %3zu: %5.1f%% of the peak\n", keys, head, 100 * shares[TRIALS / 2]);
    free(mixed), free(operation.scratch), free(operation.out);
}

// Six layers of MiniLM on packed texts of `length` tokens, as the encoder runs them: blocks of 96 rows.
static void encoder(const ck_table *table, ck_kind kind, size_t texts, size_t length) {
    enum { LAYERS = 6, HIDDEN = 384, INNER = 1536, HEADS = 12, BLOCK = 96 };
    static const size_t width[] = {4, 2, 1};
    size_t tokens = texts * length, w = width[kind], mixed_width = kind == CK_KIND_F32 ? 4 : 2;
    void *panels[LAYERS][4];
    for (int layer = 0; layer < LAYERS; layer++) {
        size_t sizes[] = {3 * HIDDEN * HIDDEN, HIDDEN * HIDDEN, INNER * HIDDEN, INNER * HIDDEN};
        for (int i = 0; i < 4; i++) panels[layer][i] = memory(sizes[i] * w);
    }
    float *hidden = memory(tokens * HIDDEN * 4), *bias = memory(INNER * 4), *gain = memory(INNER * 4);
    for (size_t i = 0; i < tokens * HIDDEN; i++) hidden[i] = (float)rand() / 1e9f - 1;
    for (int i = 0; i < INNER; i++) gain[i] = 1;
    uint16_t *copy = memory(tokens * HIDDEN * 2);
    char *mixed = memory(tokens * 3 * HIDDEN * mixed_width), *context = memory(tokens * HIDDEN * mixed_width);
    char *inner = memory(BLOCK * INNER * mixed_width), *scratch = memory(ck_attention_scratch(length, 32));
    uint8_t *bytes = memory(BLOCK * INNER);
    float *scales = memory(BLOCK * 4);
    int32_t *zeros = memory(BLOCK * 4), *sums = memory(INNER * 4);
    ck_dtype half = kind == CK_KIND_F32 ? CK_F32 : CK_BF16;
    void (*run)(const ck_linear *) = kind == CK_KIND_F32    ? table->linear_f32
                                     : kind == CK_KIND_BF16 ? table->linear_bf16
                                                            : table->linear_int8;
    double products = (double)tokens * LAYERS * 2 * (4.0 * HIDDEN * HIDDEN + 2.0 * HIDDEN * INNER);
    double scores = (double)tokens * (double)length * LAYERS * 4 * HIDDEN, shares[TRIALS], rates[TRIALS];
#define QUANTIZE(X, DTYPE, ROWS, COLUMNS)                                                              \
    if (kind == CK_KIND_INT8)                                                                          \
        table->quantize(&(ck_quantize){.x = X, .x_dtype = DTYPE, .x_stride = COLUMNS, .rows = ROWS,    \
            .columns = COLUMNS, .inverse_smooth = gain, .out = bytes, .out_stride = COLUMNS,           \
            .scale = scales, .zero = zeros});
#define LINEAR(A, ROWS, IN, OUT, PANELS, ACTIVATION, RESIDUAL, TO, TYPE)                               \
    run(&(ck_linear){.a = kind == CK_KIND_INT8 ? (const void *)bytes : (const void *)(A), .a_stride = IN, \
        .rows = ROWS, .depth = IN, .panels = PANELS, .panel_count = (OUT) / CK_PANEL, .columns = OUT,  \
        .bias = bias, .activation = ACTIVATION, .residual = RESIDUAL, .residual_stride = OUT, .out = TO, \
        .out_stride = OUT, .out_dtype = TYPE, .row_scale = scales, .row_zero = zeros,                  \
        .column_scale = bias, .column_sum = sums});
    for (int trial = 0; trial < TRIALS; trial++) {
        double most = peak(table, kind), most_scores = peak(table, kind == CK_KIND_F32 ? kind : CK_KIND_BF16);
        double start = now();
        for (int layer = 0; layer < LAYERS; layer++) {
            for (size_t row = 0; row < tokens; row += BLOCK) {
                size_t rows = tokens - row < BLOCK ? tokens - row : BLOCK;
                const void *x = kind == CK_KIND_F32 ? (void *)(hidden + row * HIDDEN) : (void *)(copy + row * HIDDEN);
                QUANTIZE(hidden + row * HIDDEN, CK_F32, rows, HIDDEN)
                LINEAR(x, rows, HIDDEN, 3 * HIDDEN, panels[layer][0], CK_IDENTITY, NULL, mixed + row * 3 * HIDDEN * mixed_width, half)
            }
            for (size_t text = 0; text < texts; text++)
                for (size_t head = 0; head < HEADS; head++) {
                    char *q = mixed + (text * length * 3 * HIDDEN + head * 32) * mixed_width;
                    (kind == CK_KIND_F32 ? table->attention_f32 : table->attention_bf16)(&(ck_attention){
                        .q = q, .k = q + HIDDEN * mixed_width, .v = q + 2 * HIDDEN * mixed_width, .stride = 3 * HIDDEN,
                        .queries = length, .keys = length, .head_size = 32, .scale = 0.17f, .scratch = scratch,
                        .out = context + (text * length * HIDDEN + head * 32) * mixed_width, .out_stride = HIDDEN,
                        .out_dtype = half});
                }
            for (size_t row = 0; row < tokens; row += BLOCK) {
                size_t rows = tokens - row < BLOCK ? tokens - row : BLOCK;
                float *x = hidden + row * HIDDEN;
                ck_norm norm = {.x = x, .x_stride = HIDDEN, .rows = rows, .columns = HIDDEN, .gain = gain, .shift = bias,
                    .epsilon = 1e-12f, .out = x, .out_stride = HIDDEN,
                    .out_bf16 = kind == CK_KIND_F32 ? NULL : copy + row * HIDDEN, .out_bf16_stride = HIDDEN};
                const void *y = kind == CK_KIND_F32 ? (void *)x : (void *)(copy + row * HIDDEN);
                QUANTIZE(context + row * HIDDEN * mixed_width, half, rows, HIDDEN)
                LINEAR(context + row * HIDDEN * mixed_width, rows, HIDDEN, HIDDEN, panels[layer][1], CK_IDENTITY, x, x, CK_F32)
                table->layer_norm(&norm);
                QUANTIZE(x, CK_F32, rows, HIDDEN)
                LINEAR(y, rows, HIDDEN, INNER, panels[layer][2], CK_GELU, NULL, inner, half)
                QUANTIZE(inner, half, rows, INNER)
                LINEAR(inner, rows, INNER, HIDDEN, panels[layer][3], CK_IDENTITY, x, x, CK_F32)
                table->layer_norm(&norm);
            }
        }
        double elapsed = now() - start;
        shares[trial] = (products / most + scores / most_scores) / elapsed;
        rates[trial] = (double)tokens / elapsed;
    }
    qsort(shares, TRIALS, sizeof shares[0], by_size);
    qsort(rates, TRIALS, sizeof rates[0], by_size);
    printf("encoder, %3zu texts of %3zu: %7.0f tokens a second and core, %5.1f%% of the roof\n", texts, length,
        rates[TRIALS / 2], 100 * shares[TRIALS / 2]);
    // The process ends here and takes the memory with it.
}

int main(int count, char **arguments) {
    const char *name = count > 1 ? arguments[1] : ck_table_name(0), *type = count > 2 ? arguments[2] : "float32";
    const ck_table *table = ck_table_named(name);
    if (!table) {
        fprintf(stderr, "%s: no such kernels here\n", name);
        return 2;
    }
    ck_kind kind = !strcmp(type, "int8") ? CK_KIND_INT8 : !strcmp(type, "bfloat16") ? CK_KIND_BF16 : CK_KIND_F32;
    printf("%s %s: peak %.1f G operations/s\n", name, type, peak(table, kind) * 1e-9);
    encoder(table, kind, 1, 10);
    encoder(table, kind, 12, 10);
    encoder(table, kind, 1, 128);
    encoder(table, kind, 4, 128);
    encoder(table, kind, 2, 256);
    static const size_t shapes[][2] = {{384, 1152}, {384, 384}, {384, 1536}, {1536, 384}};
    static const size_t rows[] = {1, 6, 10, 48, 96};
    for (int shape = 0; shape < 4; shape++)
        for (int i = 0; i < 5; i++) linear(table, kind, rows[i], shapes[shape][0], shapes[shape][1]);
    for (size_t head = 32; head <= 128; head *= 2)
        for (size_t keys = 16; keys <= 512; keys *= 2) attention(table, kind, keys, head);
    return 0;
}
