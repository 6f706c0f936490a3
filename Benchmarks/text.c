// Numbers to text, alone: nanoseconds a number for the shortest decimals, and base64 beside a copy of the same
// bytes by memcpy. Thread time, medians. Embedding-like numbers (normal, of length 1) and any finite float32.
//
//   clang -O3 -ffp-contract=off -ISources/CKernels/include Sources/CKernels/{format_float,base64}.c Benchmarks/text.c \
//       -lm -o text && ./text
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ckernels_text.h"

enum { TRIALS = 41, NUMBERS = 384 * 32, REPEATS = 40 };

static float values[NUMBERS];
static char text[NUMBERS * CK_FORMAT_F32_BYTES];
static size_t written;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int by_size(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

// Seconds that one call of `run` takes: the median of trials of several calls each.
static double median(void (*run)(void)) {
    double seconds[TRIALS];
    for (int trial = 0; trial < TRIALS; trial++) {
        double start = now();
        for (int i = 0; i < REPEATS; i++) run();
        seconds[trial] = (now() - start) / REPEATS;
    }
    qsort(seconds, TRIALS, sizeof *seconds, by_size);
    return seconds[TRIALS / 2];
}

static void format(void) { written += ck_format_f32_array(values, NUMBERS, text); }

static void copy(void) {
    memcpy(text, values, sizeof values);
    __asm__ volatile("" : : "r"(text) : "memory");
}

static ck_base64_variant variant;

static void base64(void) { written += ck_base64_encode_with(variant, values, sizeof values, text); }

// SplitMix64 (Steele, Lea, Flood 2014).
static uint64_t random_bits(void) {
    static uint64_t state = 1;
    uint64_t mixed = state += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    return mixed ^ mixed >> 31;
}

static double uniform(void) { return ((double)(random_bits() >> 11) + 0.5) * 0x1p-53; }

int main(void) {
    for (int i = 0; i < NUMBERS; i++) {
        double normal = sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
        values[i] = (float)(normal / sqrt(384));
    }
    format();
    size_t bytes = ck_format_f32_array(values, NUMBERS, text);
    double seconds = median(format);
    printf("shortest decimals, embeddings   %6.2f ns a number, %.1f bytes each, %.2f GB/s of text\n",
           seconds / NUMBERS * 1e9, (double)bytes / NUMBERS, (double)bytes / seconds * 1e-9);

    double copied = median(copy);
    printf("memcpy                          %6.2f ns a number, %.1f GB/s\n", copied / NUMBERS * 1e9,
           sizeof values / copied * 1e-9);
    static const char *names[] = {"plain", "avx2", "avx512_vbmi"};
    for (variant = CK_BASE64_PLAIN; variant <= CK_BASE64_AVX512_VBMI; variant++) {
        if (!ck_base64_supports(variant)) continue;
        seconds = median(base64);
        printf("base64 %-12s             %6.2f ns a number, %.1f GB/s of bytes in, %.1f times memcpy's time\n",
               names[variant], seconds / NUMBERS * 1e9, sizeof values / seconds * 1e-9, seconds / copied);
    }

    for (int i = 0; i < NUMBERS; i++) {
        do {
            uint32_t bits = (uint32_t)random_bits();
            memcpy(&values[i], &bits, 4);
        } while (!isfinite(values[i]));
    }
    seconds = median(format);
    printf("shortest decimals, any float32  %6.2f ns a number\n", seconds / NUMBERS * 1e9);
    return written == 0;
}
