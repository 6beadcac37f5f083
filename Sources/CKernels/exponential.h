// The exponential function of what is not positive, and what is built on it: without branches, for use
// inside vectorised loops.
#ifndef VIT_CONVERT_EXPONENTIAL_H
#define VIT_CONVERT_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

#include "dispatch.h"

INLINE float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

INLINE uint32_t to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// Below this, exp(x) is no normal number any more and counts as 0.
#define EXP_LOWEST -87.33654f

// exp(x + tail) for x ≤ 0 and a tail that is small beside 1; relative error below 1.5e-7.
//
// x = n·ln 2 + r with |r| ≤ ln 2 / 2; exp(r) by a minimax polynomial (error 3e-9). Adding 1.5·2²³ rounds
// to an integer and leaves it in the low bits.
INLINE float exp_with_tail(float x, float tail) {
#pragma clang fp contract(fast)
    const float magic = 12582912.0f;
    float shifted = x * 1.44269504f + magic;
    float n = shifted - magic;
    float r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    r = r + tail;
    float p = 1.3814467634329138e-3f;
    p = p * r + 8.368797106720227e-3f;
    p = p * r + 4.1668395328204634e-2f;
    p = p * r + 1.6666519969044358e-1f;
    p = p * r + 4.9999993404441956e-1f;
    p = p * (r * r) + r;
    float result = from_bits(to_bits(1.0f + p) + ((to_bits(shifted) - to_bits(magic)) << 23));
    return x < EXP_LOWEST ? 0.0f : result;
}

INLINE float exp_of(float x) { return exp_with_tail(x, 0.0f); }

// tanh(x) = (e²ˣ − 1) / (e²ˣ + 1), with e²ˣ − 1 computed so that small x keep all their digits.
INLINE float tanh_of(float x) {
#pragma clang fp contract(fast)
    const float magic = 12582912.0f;
    float y = 2.0f * x;
    y = y > 30.0f ? 30.0f : y;
    y = y < -30.0f ? -30.0f : y;
    float shifted = y * 1.44269504f + magic;
    float n = shifted - magic;
    float r = y - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    float p = 1.3814467634329138e-3f;
    p = p * r + 8.368797106720227e-3f;
    p = p * r + 4.1668395328204634e-2f;
    p = p * r + 1.6666519969044358e-1f;
    p = p * r + 4.9999993404441956e-1f;
    p = p * (r * r) + r;
    float power = from_bits((to_bits(shifted) - to_bits(magic) + 127) << 23);
    float minus_one = p * power + (power - 1.0f);
    return minus_one / (minus_one + 2.0f);
}

// x·σ(u), through exp(−|u|), which never overflows.
INLINE float times_sigmoid(float x, float u) {
    float magnitude = from_bits(to_bits(u) & 0x7fffffffu);
    float e = exp_of(-magnitude);
    float numerator = u < 0.0f ? e : 1.0f;
    return x * (numerator / (1.0f + e));
}

INLINE float gelu_tanh(float x) {
    // 1 + tanh(u) = 2σ(2u)
    return times_sigmoid(x, 1.5957691216057308f * x * (1.0f + 0.044715f * x * x));
}

// x·Φ(x), accurate in relative terms over the whole range, the far negative tail included.
//
// Φ(−|x|) = exp(−x²/2) · P(|x|)/Q(|x|), where P/Q is a minimax fit of the scaled complementary error
// function on 0…14.5 (error 6e-9; coefficients all positive, so nothing cancels). x² is split in two so that
// its rounding does not grow with the exponential.
INLINE float gelu_erf(float x) {
#pragma clang fp contract(fast)
    float a = from_bits(to_bits(x) & 0x7fffffffu);
    float capped = a > 14.5f ? 14.5f : a;
    float head = from_bits(to_bits(capped) & 0xfffff000u);
    float tail = (capped - head) * (capped + head);
    float e = exp_with_tail(-0.5f * (head * head), -0.5f * tail);
    float p = 4.116320206653968e-3f;
    p = p * capped + 4.0633376215470994e-2f;
    p = p * capped + 1.8323569364608727e-1f;
    p = p * capped + 4.3829587815019610e-1f;
    p = p * capped + 5.0000000292947490e-1f;
    float q = 1.0317964898820534e-2f;
    q = q * capped + 1.0185921587887252e-1f;
    q = q * capped + 4.6947206442866400e-1f;
    q = q * capped + 1.2025057362783790f;
    q = q * capped + 1.6744767368611002f;
    q = q * capped + 1.0f;
    float positive = x < 0.0f ? 0.0f * x : x;
    return positive - capped * (e * (p / q));
}

#endif
