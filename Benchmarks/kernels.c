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

int main(int count, char **arguments) {
    const char *name = count > 1 ? arguments[1] : ck_table_name(0), *type = count > 2 ? arguments[2] : "float32";
    const ck_table *table = ck_table_named(name);
    if (!table) {
        fprintf(stderr, "%s: no such kernels here\n", name);
        return 2;
    }
    ck_kind kind = !strcmp(type, "int8") ? CK_KIND_INT8 : !strcmp(type, "bfloat16") ? CK_KIND_BF16 : CK_KIND_F32;
    printf("%s %s: peak %.1f G operations/s\n", name, type, peak(table, kind) * 1e-9);
    static const size_t shapes[][2] = {{384, 1152}, {384, 384}, {384, 1536}, {1536, 384}};
    static const size_t rows[] = {1, 6, 10, 48, 96};
    for (int shape = 0; shape < 4; shape++)
        for (int i = 0; i < 5; i++) linear(table, kind, rows[i], shapes[shape][0], shapes[shape][1]);
    for (size_t head = 32; head <= 128; head *= 2)
        for (size_t keys = 16; keys <= 512; keys *= 2) attention(table, kind, keys, head);
    return 0;
}
