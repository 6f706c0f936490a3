// Shortest decimal text of a float32, in the manner of Schubfach (Giulietti, "The Schubfach way to
// render doubles", 2021) and Ryu (Adams, PLDI 2018), made for 24-bit significands.
//
// A float c * 2^q is scaled to V = c * 2^q / 10^k, with k such that one unit in c's last place
// becomes W in [1, 10) units of V. Every real number in [V - W/2, V + W/2] reads back as the float
// (the ends only when c is even). That interval holds at least one integer and at most one multiple
// of 10. The multiple of 10 has the fewer digits and wins; otherwise the integer nearest to V.
// At a power of two the gap below is half as wide; those 253 floats take a path of their own.
//
// V is held with 36 fraction bits. Over all floats the ends are integers exactly, or at least
// 2^-31.07 away from one, and V is half-way between integers exactly, or at least 2^-32.73 away
// from that. The product of c and the rounded-up power exceeds V by less than 2^-36, and adding a
// truncated half-width loses less than 2^-35 again. So a margin of 4 units of 2^-36 decides every
// comparison as exact arithmetic would.

#include "ckernels_text.h"

#include <string.h>

#include "format_float_powers.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digits are stored as words");

#define FRACTION_BITS 36
#define ONE ((uint64_t)1 << FRACTION_BITS)
#define MARGIN 4

/// digits * 10^exponent; 7 to 9 digits, of which the last may be zeros.
typedef struct {
    uint32_t digits;
    int32_t exponent;
} decimal;

static inline int32_t scale_of(uint32_t biased_exponent) {
    // floor(q * log10(2)): 1233 / 4096 is near enough for |q| < 1000.
    return (((int32_t)biased_exponent - 150) * 1233) >> 12;
}

/// The integer nearest to v, and of two equally near ones the even one.
static inline uint32_t nearest_integer(uint64_t v) {
    uint64_t odd = (v >> FRACTION_BITS) & 1;
    return (uint32_t)((v + ONE / 2 - MARGIN + odd * MARGIN) >> FRACTION_BITS);
}

/// The shortest decimal of c * 2^q when the floats on both sides are equally near.
static inline decimal shortest(uint64_t c, uint32_t biased_exponent) {
    uint64_t power = ck_powers[biased_exponent];
    // (c * power) >> 24 in two multiplications of 32 bits each, which vector units have.
    uint64_t v = ((c * (power >> 32)) << 8) + ((c * (power & UINT32_MAX)) >> 24);
    // W/2, a little more when the ends belong to the interval, a little less when they do not.
    uint64_t half = (power >> 25) + MARGIN - (c & 1) * (2 * MARGIN);
    uint32_t high = (uint32_t)((v + half) >> FRACTION_BITS);
    uint32_t ten = high / 10 * 10;
    bool is_ten = ((uint64_t)ten << FRACTION_BITS) >= v - half;
    return (decimal){is_ten ? ten : nearest_integer(v), scale_of(biased_exponent)};
}

/// The shortest decimal of 2^23 * 2^q, below which floats are twice as dense.
static decimal shortest_of_power_of_two(uint32_t biased_exponent) {
    uint64_t power = ck_powers[biased_exponent];
    int32_t scale = scale_of(biased_exponent);
    uint64_t v = power >> 1;
    uint64_t low = v - (power >> 26) - MARGIN;
    uint64_t high = v + (power >> 25) + MARGIN;
    uint64_t candidate = high / (10 * ONE) * (10 * ONE);
    if (candidate < low) {
        candidate = (uint64_t)nearest_integer(v) << FRACTION_BITS;
        candidate += candidate < low ? ONE : 0;
    }
    if (candidate <= high) {
        return (decimal){(uint32_t)(candidate >> FRACTION_BITS), scale};
    }
    // The interval is 3/4 W wide and may miss every integer; then a digit more is needed.
    uint64_t tenths = (v >> 4) * 10;
    return (decimal){(uint32_t)((tenths + (ONE >> 5)) >> (FRACTION_BITS - 4)), scale - 1};
}

/// The eight digits of a number below 10^8, one a byte, the first in the lowest.
static inline uint64_t eight_digits(uint32_t number) {
    uint64_t fours = number / 10000 + ((uint64_t)(number % 10000) << 32);
    uint64_t hundreds = ((fours * 5243) >> 19) & 0x0000007F0000007F;
    uint64_t twos = hundreds + ((fours - 100 * hundreds) << 16);
    uint64_t tens = ((twos * 103) >> 10) & 0x000F000F000F000F;
    return tens + ((twos - 10 * tens) << 8);
}

/// A first digit, eight more as bytes 0...9, and how many of the eight are up to the last non-zero.
typedef struct {
    uint64_t rest;
    uint32_t first;
    uint32_t rest_count;
    /// The power of ten that the first digit counts.
    int32_t exponent;
} digits;

static inline digits digits_of(decimal number) {
    static const uint32_t factors[3] = {100, 10, 1};
    uint32_t more = (number.digits >= 10000000) + (number.digits >= 100000000);
    uint32_t nine = number.digits * factors[more];
    digits result;
    result.first = nine / 100000000;
    result.rest = eight_digits(nine - result.first * 100000000);
    // A digit's four bits are moved up by one, so that no digit at all is told from a first digit.
    result.rest_count = (uint32_t)(63 - __builtin_clzll(result.rest << 1 | 1) + 7) >> 3;
    result.exponent = number.exponent + 6 + (int32_t)more;
    return result;
}

static const uint64_t ASCII_ZEROS = 0x3030303030303030;

/// 1 <= number: ddd.dddddd, or ddd with up to 13 digits.
static inline size_t write_with_integer_part(digits number, char *out) {
    uint32_t point = (uint32_t)number.exponent + 1;
    unsigned __int128 text = (unsigned __int128)ASCII_ZEROS << 72
        | (unsigned __int128)(number.rest + ASCII_ZEROS) << 8 | (number.first + '0');
    if (number.rest_count >= point) {
        unsigned __int128 integer = text & (((unsigned __int128)1 << (8 * point)) - 1);
        unsigned __int128 fraction = text >> (8 * point);
        text = integer | (fraction << 8 | '.') << (8 * point);
        point = number.rest_count + 2;
    }
    memcpy(out, &text, 13);
    return point;
}

/// d.dddddddde-dd.
static size_t write_with_exponent(digits number, char *out) {
    uint64_t rest = number.rest + ASCII_ZEROS;
    out[0] = (char)('0' + number.first);
    out[1] = '.';
    memcpy(out + 2, &rest, 8);
    size_t count = number.rest_count > 0 ? number.rest_count + 2 : 1;
    out[count++] = 'e';
    int32_t exponent = number.exponent;
    if (exponent < 0) {
        out[count++] = '-';
        exponent = -exponent;
    }
    if (exponent >= 10) {
        out[count++] = (char)('0' + exponent / 10);
    }
    out[count++] = (char)('0' + exponent % 10);
    return count;
}

/// The shorter notation, and of two equally long ones that without exponent.
static inline size_t write_digits(digits number, char *out) {
    // 0.00ddd is as long as d.dde-3, but 0.00d longer than de-3.
    bool has_rest = number.rest_count > 0;
    if (__builtin_expect(number.exponent + has_rest >= -2 && number.exponent < 0, 1)) {
        size_t start = (size_t)(1 - number.exponent);
        uint64_t rest = number.rest + ASCII_ZEROS;
        memcpy(out, "0.00", 4);
        out[start] = (char)('0' + number.first);
        memcpy(out + start + 1, &rest, 8);
        return start + 1 + number.rest_count;
    }
    // Whole numbers: the exponent costs "e" and its digits, and a point if there is a rest.
    int32_t exponent_maximum = (int32_t)number.rest_count + 2 + has_rest + (number.exponent >= 10);
    if (number.exponent >= 0 && number.exponent <= exponent_maximum) {
        return write_with_integer_part(number, out);
    }
    return write_with_exponent(number, out);
}

/// What the common path does not do: zeros, subnormals, powers of two, and what is no number.
static __attribute__((noinline)) size_t write_rare(uint32_t magnitude, char *out) {
    uint32_t biased_exponent = magnitude >> 23;
    if (magnitude == 0) {
        out[0] = '0';
        return 1;
    }
    if (biased_exponent > 1) {
        return write_digits(digits_of(shortest_of_power_of_two(biased_exponent)), out);
    }
    decimal number = shortest(magnitude, 1);
    while (number.digits < 1000000) {
        number.digits *= 10;
        number.exponent -= 1;
    }
    return write_digits(digits_of(number), out);
}

/// The digits of an ordinary float; of others something without meaning.
static inline digits digits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return digits_of(shortest((bits & 0x007FFFFF) | 0x00800000, (bits >> 23) & 0xFF));
}

/// `value`, whose digits are `number` if it is an ordinary float.
static inline size_t write_float(float value, digits number, char *out) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint32_t magnitude = bits & 0x7FFFFFFF;
    if (__builtin_expect(magnitude >= 0x7F800000, 0)) {
        memcpy(out, "null", 4);
        return 4;
    }
    size_t sign = bits >> 31;
    out[0] = '-';
    if (__builtin_expect(magnitude < 0x00800000 || (bits & 0x007FFFFF) == 0, 0)) {
        return sign + write_rare(magnitude, out + sign);
    }
    return sign + write_digits(number, out + sign);
}

size_t ck_format_f32(float value, void *out) {
    return write_float(value, digits_of_float(value), out);
}

// MARK: Arrays: the digits of a block of numbers without a branch, then its text number by number.

#define BLOCK 32

typedef struct {
    uint64_t rest[BLOCK];
    uint32_t first[BLOCK];
    uint32_t rest_count[BLOCK];
    int32_t exponent[BLOCK];
} digits_block;

static inline __attribute__((always_inline)) void put(float value, digits_block *block, size_t i) {
    digits number = digits_of_float(value);
    block->rest[i] = number.rest;
    block->first[i] = number.first;
    block->rest_count[i] = number.rest_count;
    block->exponent[i] = number.exponent;
}

static void fill_plain(const float *values, digits_block *block) {
    // PERF: without wide multiplications vector code is slower than scalar code.
#pragma clang loop vectorize(disable)
    for (size_t i = 0; i < BLOCK; i++) {
        put(values[i], block, i);
    }
}

#if defined(__x86_64__)
// PERF: the compiler makes eight lanes of the same source: on a Zen 4 core 6 ns a number for the
// whole array function instead of 12.
__attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl"))) static void fill_avx512(
    const float *values, digits_block *block) {
    for (size_t i = 0; i < BLOCK; i++) {
        put(values[i], block, i);
    }
}

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl");
}
#else
#define fill_avx512 fill_plain

static bool has_avx512(void) {
    return false;
}
#endif

size_t ck_format_f32_array(const float *values, size_t count, void *out) {
    bool is_wide = has_avx512();
    char *end = out;
    while (count > 0) {
        size_t block_count = count < BLOCK ? count : BLOCK;
        float padded[BLOCK] = {0};
        const float *source = values;
        if (block_count < BLOCK) {
            memcpy(padded, values, block_count * sizeof *values);
            source = padded;
        }
        digits_block block;
        if (is_wide) {
            fill_avx512(source, &block);
        } else {
            fill_plain(source, &block);
        }
        for (size_t i = 0; i < block_count; i++) {
            digits number = {
                block.rest[i], block.first[i], block.rest_count[i], block.exponent[i]};
            end += write_float(values[i], number, end);
            *end++ = ',';
        }
        values += block_count;
        count -= block_count;
    }
    return end == out ? 0 : (size_t)(end - (char *)out) - 1;
}
