// Numbers to text for response bodies: shortest decimal float32, and base64.
// No allocation, no locale, no state; every function may be called from any thread.
#ifndef CKERNELS_TEXT_H
#define CKERNELS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Bytes that a number may touch in the output, its separator included.
enum { CK_FORMAT_F32_BYTES = 16 };

/// Writes `value` as JSON: the fewest digits that read back as the same float32, and of those the
/// nearest to it (a tie goes to the even digit). Then the shorter of 0.00125 and 1.25e-3, the
/// former when they are equal, without superfluous "+", "0" or ".0"; so negative zero is "-0".
///
/// `value` should be finite; what is not becomes "null".
/// out: room for CK_FORMAT_F32_BYTES, all of which may be overwritten.
/// Returns how many bytes the text has, at most 15; no NUL follows.
size_t ck_format_f32(float value, void *out);

/// Writes values[count] with commas between them and none around.
///
/// out: room for count * CK_FORMAT_F32_BYTES, all of which may be overwritten.
/// Returns how many bytes the text has.
size_t ck_format_f32_array(const float *values, size_t count, void *out);

/// An implementation of base64; all give the same text.
typedef enum {
    CK_BASE64_PLAIN,
    CK_BASE64_AVX2,
    CK_BASE64_AVX512_VBMI,
} ck_base64_variant;

/// Whether this processor and its operating system can run `variant`.
bool ck_base64_supports(ck_base64_variant variant);

/// Writes bytes[count] as base64 (RFC 4648 §4: the usual alphabet, padded, no line breaks).
///
/// out: room for (count + 2) / 3 * 4 bytes, which are all written; nothing else is touched.
/// Returns that number.
size_t ck_base64_encode(const void *bytes, size_t count, void *out);

/// ``ck_base64_encode`` by a variant that is supported.
size_t ck_base64_encode_with(
    ck_base64_variant variant, const void *bytes, size_t count, void *out);

#endif
