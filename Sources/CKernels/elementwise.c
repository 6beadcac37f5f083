#include "CKernels.h"
#include "exponential.h"

// No contraction here: a traced forward pass takes the same steps one at a time and must round alike.
#pragma STDC FP_CONTRACT OFF

#define ADD_RESIDUAL(EXPRESSION) \
    for (size_t i = 0; i < columns; i++) target[i] = target[i] + (EXPRESSION);

KERNEL void kernel_add_residual(
    float *restrict x, size_t stride, const float *restrict y, size_t y_stride, size_t rows, size_t columns,
    const float *restrict bias, const float *restrict gamma) {
    for (size_t row = 0; row < rows; row++) {
        float *target = x + row * stride;
        const float *line = y + row * y_stride;
        if (gamma && bias) {
            ADD_RESIDUAL(gamma[i] * (line[i] + bias[i]))
        } else if (gamma) {
            ADD_RESIDUAL(gamma[i] * line[i])
        } else if (bias) {
            ADD_RESIDUAL(line[i] + bias[i])
        } else {
            ADD_RESIDUAL(line[i])
        }
    }
}

KERNEL void kernel_scale_columns(
    float *restrict x, size_t rows, size_t columns, size_t stride, const float *restrict gamma) {
    for (size_t row = 0; row < rows; row++) {
        float *target = x + row * stride;
        for (size_t i = 0; i < columns; i++) target[i] *= gamma[i];
    }
}

KERNEL void kernel_scale(float *restrict x, size_t rows, size_t columns, size_t stride, float factor) {
    for (size_t row = 0; row < rows; row++) {
        float *target = x + row * stride;
        for (size_t i = 0; i < columns; i++) target[i] *= factor;
    }
}

KERNEL void kernel_multiply(
    float *restrict x, size_t stride, const float *restrict factors, size_t factor_stride, size_t rows,
    size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        float *target = x + row * stride;
        const float *line = factors + row * factor_stride;
        for (size_t i = 0; i < columns; i++) target[i] *= line[i];
    }
}

KERNEL void kernel_widen_half(const uint16_t *restrict source, float *restrict target, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t half = source[i];
        uint32_t magnitude = (half & 0x7fffu) << 13;
        // A half's exponent is 112 smaller than a float's; multiplying lifts subnormal numbers too.
        float lifted = from_bits(magnitude) * 0x1p112f;
        uint32_t finite = to_bits(lifted);
        uint32_t bits = (half & 0x7c00u) == 0x7c00u ? magnitude | 0x7f800000u : finite;
        target[i] = from_bits(bits | (half & 0x8000u) << 16);
    }
}

KERNEL void kernel_widen_bfloat(const uint16_t *restrict source, float *restrict target, size_t count) {
    for (size_t i = 0; i < count; i++) target[i] = from_bits((uint32_t)source[i] << 16);
}
