#include "CKernels.h"
#include "exponential.h"

// One loop per activation: the bias is added on the way, so that a product's block is touched once.
#define ACTIVATE(EXPRESSION)                                        \
    for (size_t row = 0; row < rows; row++) {                       \
        float *line = x + row * stride;                             \
        if (bias) {                                                 \
            for (size_t column = 0; column < columns; column++) {   \
                float v = line[column] + bias[column];              \
                line[column] = EXPRESSION;                          \
            }                                                       \
        } else {                                                    \
            for (size_t column = 0; column < columns; column++) {   \
                float v = line[column];                             \
                line[column] = EXPRESSION;                          \
            }                                                       \
        }                                                           \
    }                                                               \
    break;

KERNEL void kernel_bias_activation(
    float *restrict x, size_t rows, size_t columns, size_t stride, const float *restrict bias,
    kernel_activation activation) {
    switch (activation) {
    case KERNEL_IDENTITY: ACTIVATE(v)
    case KERNEL_RELU: ACTIVATE(v < 0.0f ? 0.0f : v)
    case KERNEL_GELU_ERF: ACTIVATE(gelu_erf(v))
    case KERNEL_GELU_TANH: ACTIVATE(gelu_tanh(v))
    case KERNEL_GELU_QUICK: ACTIVATE(times_sigmoid(v, 1.702f * v))
    case KERNEL_SILU: ACTIVATE(times_sigmoid(v, v))
    case KERNEL_TANH: ACTIVATE(tanh_of(v))
    }
}

KERNEL void kernel_gated_silu(
    float *out, size_t out_stride, const float *gate, size_t gate_stride, const float *value,
    size_t value_stride, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        float *o = out + row * out_stride;
        const float *g = gate + row * gate_stride;
        const float *v = value + row * value_stride;
        for (size_t column = 0; column < columns; column++) {
            o[column] = times_sigmoid(g[column], g[column]) * v[column];
        }
    }
}
