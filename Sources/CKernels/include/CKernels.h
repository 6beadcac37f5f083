// Element-wise kernels of the model: each works on rows of 32-bit floats, one thread per call.
//
// Every function is compiled once per instruction set (see dispatch.h) and the loader picks; loops have no
// branches inside, so that the compiler vectorises them. A matrix is `rows` × `columns` with `stride` floats
// from one row to the next. Pointers may be equal where a kernel writes what it has read.
#ifndef VIT_CONVERT_CKERNELS_H
#define VIT_CONVERT_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    KERNEL_IDENTITY = 0,
    KERNEL_RELU,        // max(x, 0)
    KERNEL_GELU_ERF,    // x·Φ(x)
    KERNEL_GELU_TANH,   // x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
    KERNEL_GELU_QUICK,  // x·σ(1.702·x)
    KERNEL_SILU,        // x·σ(x)
    KERNEL_TANH,
} kernel_activation;

/// x ← activation(x + bias). `bias` has `columns` elements, or is null.
void kernel_bias_activation(
    float *x, size_t rows, size_t columns, size_t stride, const float *bias, kernel_activation activation);

/// out ← silu(gate) · value, row by row.
void kernel_gated_silu(
    float *out, size_t out_stride, const float *gate, size_t gate_stride, const float *value,
    size_t value_stride, size_t rows, size_t columns);

/// x ← x + gamma · (y + bias), rounded after each step. `bias` and `gamma` may be null.
void kernel_add_residual(
    float *x, size_t stride, const float *y, size_t y_stride, size_t rows, size_t columns, const float *bias,
    const float *gamma);

/// x ← gamma · x, column by column.
void kernel_scale_columns(float *x, size_t rows, size_t columns, size_t stride, const float *gamma);

/// x ← factor · x.
void kernel_scale(float *x, size_t rows, size_t columns, size_t stride, float factor);

/// x ← x · factors, element by element.
void kernel_multiply(
    float *x, size_t stride, const float *factors, size_t factor_stride, size_t rows, size_t columns);

/// out ← (x − mean) / √(variance + epsilon) · weight + bias, each row by itself; the variance is biased.
void kernel_layer_norm(
    const float *x, size_t stride, float *out, size_t out_stride, size_t rows, size_t columns,
    const float *weight, const float *bias, float epsilon);

/// x ← softmax(scale · x + mask), each row by itself. `mask` may be null, and its stride 0: one row for all. A row
/// that it sets to −∞ as a whole becomes 0.
void kernel_softmax(
    float *x, size_t rows, size_t columns, size_t stride, float scale, const float *mask, size_t mask_stride);

/// out ← the mean of the rows.
void kernel_mean_rows(const float *x, size_t rows, size_t columns, size_t stride, float *out);

/// IEEE 754 half precision, widened; every value is exact.
void kernel_widen_half(const uint16_t *source, float *target, size_t count);

/// bfloat16, widened; every value is exact.
void kernel_widen_bfloat(const uint16_t *source, float *target, size_t count);

#endif
