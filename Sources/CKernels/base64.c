// Base64 (RFC 4648 §4) three ways. The vector methods are those of Muła and Lemire ("Faster Base64
// Encoding and Decoding Using AVX2 Instructions", 2018; "Base64 encoding and decoding at almost the
// speed of a memory copy", 2020).

#include "ckernels_text.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t encode_plain(const uint8_t *bytes, size_t count, char *out) {
    char *end = out;
    size_t i = 0;
    for (; count - i >= 3; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
        end[0] = alphabet[group >> 18];
        end[1] = alphabet[group >> 12 & 63];
        end[2] = alphabet[group >> 6 & 63];
        end[3] = alphabet[group & 63];
        end += 4;
    }
    size_t left = count - i;
    if (left > 0) {
        uint32_t group = (uint32_t)bytes[i] << 16 | (left == 2 ? (uint32_t)bytes[i + 1] << 8 : 0);
        end[0] = alphabet[group >> 18];
        end[1] = alphabet[group >> 12 & 63];
        end[2] = left == 2 ? alphabet[group >> 6 & 63] : '=';
        end[3] = '=';
        end += 4;
    }
    return (size_t)(end - out);
}

#if defined(__x86_64__)

/// 24 bytes, as two times 12 in the lower parts of the halves, to 32 characters.
__attribute__((target("avx2"))) static inline __m256i characters_avx2(__m256i bytes) {
    // Each group a, b, c becomes the four bytes b, a, c, b: two 16-bit words with two digits each.
    const __m256i order = _mm256_setr_epi8(
        1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10,
        1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    bytes = _mm256_shuffle_epi8(bytes, order);
    // A multiplication shifts each word by its own amount: the digits 0 and 2 right, 1 and 3 left.
    const __m256i even = _mm256_mulhi_epu16(
        _mm256_and_si256(bytes, _mm256_set1_epi32(0x0FC0FC00)), _mm256_set1_epi32(0x04000040));
    const __m256i odd = _mm256_mullo_epi16(
        _mm256_and_si256(bytes, _mm256_set1_epi32(0x003F03F0)), _mm256_set1_epi32(0x01000010));
    const __m256i digits = _mm256_or_si256(even, odd);
    // Digits 0...25 are class 13, 26...51 class 0, 52...61 classes 1...10, then 11 and 12; a class
    // has one distance from digit to character.
    const __m256i distances = _mm256_setr_epi8(
        71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0,
        71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0);
    const __m256i is_upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), digits);
    const __m256i classes = _mm256_or_si256(
        _mm256_subs_epu8(digits, _mm256_set1_epi8(51)),
        _mm256_and_si256(is_upper, _mm256_set1_epi8(13)));
    return _mm256_add_epi8(digits, _mm256_shuffle_epi8(distances, classes));
}

__attribute__((target("avx2"))) static size_t encode_avx2(
    const uint8_t *bytes, size_t count, char *out) {
    char *end = out;
    // Two loads of 16 bytes, the second from the 12th on: 28 bytes must be there for 24.
    for (; count >= 28; bytes += 24, count -= 24, end += 32) {
        const __m128i low = _mm_loadu_si128((const __m128i *)bytes);
        const __m128i high = _mm_loadu_si128((const __m128i *)(bytes + 12));
        const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        _mm256_storeu_si256((__m256i *)end, characters_avx2(both));
    }
    return (size_t)(end - out) + encode_plain(bytes, count, end);
}

#define VBMI_TARGET __attribute__((target("avx512f,avx512bw,avx512vbmi")))

/// The first 48 of 64 bytes to 64 characters.
VBMI_TARGET static inline __m512i characters_avx512_vbmi(__m512i bytes) {
    // Each group a, b, c becomes the four bytes b, a, c, b, as above.
    const __m512i order = _mm512_setr_epi32(
        0x01020001, 0x04050304, 0x07080607, 0x0A0B090A, 0x0D0E0C0D, 0x10110F10, 0x13141213,
        0x16171516, 0x191A1819, 0x1C1D1B1C, 0x1F201E1F, 0x22232122, 0x25262425, 0x28292728,
        0x2B2C2A2B, 0x2E2F2D2E);
    // Where each digit's six bits begin in the 64 bits of two groups.
    const __m512i starts = _mm512_set1_epi64(0x3036242A1016040A);
    const __m512i characters = _mm512_loadu_si512(alphabet);
    const __m512i groups = _mm512_permutexvar_epi8(order, bytes);
    // The bits above the six do not count in the last step.
    return _mm512_permutexvar_epi8(_mm512_multishift_epi64_epi8(starts, groups), characters);
}

VBMI_TARGET static size_t encode_avx512_vbmi(const uint8_t *bytes, size_t count, char *out) {
    char *end = out;
    for (; count >= 64; bytes += 48, count -= 48, end += 64) {
        _mm512_storeu_si512(end, characters_avx512_vbmi(_mm512_loadu_si512(bytes)));
    }
    while (count > 0) {
        // Masked-out bytes are neither read nor written.
        size_t taken = count < 48 ? count : 48;
        size_t digits = (taken * 4 + 2) / 3;
        size_t written = (taken + 2) / 3 * 4;
        const __m512i input = _mm512_maskz_loadu_epi8(~(uint64_t)0 >> (64 - taken), bytes);
        const __m512i text = _mm512_mask_mov_epi8(
            _mm512_set1_epi8('='), ~(uint64_t)0 >> (64 - digits), characters_avx512_vbmi(input));
        _mm512_mask_storeu_epi8(end, ~(uint64_t)0 >> (64 - written), text);
        bytes += taken;
        count -= taken;
        end += written;
    }
    return (size_t)(end - out);
}

bool ck_base64_supports(ck_base64_variant variant) {
    switch (variant) {
    case CK_BASE64_PLAIN:
        return true;
    case CK_BASE64_AVX2:
        return __builtin_cpu_supports("avx2");
    case CK_BASE64_AVX512_VBMI:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512vbmi");
    }
    return false;
}

#else

#define encode_avx2 encode_plain
#define encode_avx512_vbmi encode_plain

bool ck_base64_supports(ck_base64_variant variant) {
    return variant == CK_BASE64_PLAIN;
}

#endif

size_t ck_base64_encode_with(
    ck_base64_variant variant, const void *bytes, size_t count, void *out) {
    switch (variant) {
    case CK_BASE64_PLAIN:
        break;
    case CK_BASE64_AVX2:
        return encode_avx2(bytes, count, out);
    case CK_BASE64_AVX512_VBMI:
        return encode_avx512_vbmi(bytes, count, out);
    }
    return encode_plain(bytes, count, out);
}

size_t ck_base64_encode(const void *bytes, size_t count, void *out) {
    if (ck_base64_supports(CK_BASE64_AVX512_VBMI)) {
        return encode_avx512_vbmi(bytes, count, out);
    }
    if (ck_base64_supports(CK_BASE64_AVX2)) {
        return encode_avx2(bytes, count, out);
    }
    return encode_plain(bytes, count, out);
}
