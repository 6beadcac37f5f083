#include <math.h>

#include "CKernels.h"
#include "exponential.h"

INLINE float mean_of(const float *x, size_t count) {
#pragma clang fp reassociate(on)
    float total = 0.0f;
    for (size_t i = 0; i < count; i++) total += x[i];
    return total / (float)count;
}

typedef struct {
    float mean, variance;
} moments;

// The corrected two-pass algorithm (Chan, Golub and LeVeque 1983): what rounding did to the mean shows as a
// sum of deviations that is not 0, and is put right.
INLINE moments moments_of(const float *x, size_t count) {
    float mean = mean_of(x, count);
    float deviations = 0.0f, squares = 0.0f;
    {
#pragma clang fp reassociate(on) contract(fast)
        for (size_t i = 0; i < count; i++) {
            float deviation = x[i] - mean;
            deviations += deviation;
            squares += deviation * deviation;
        }
    }
    float correction = deviations / (float)count;
    float variance = (squares - deviations * correction) / (float)count;
    return (moments){mean + correction, variance < 0.0f ? 0.0f : variance};
}

KERNEL void kernel_layer_norm(
    const float *x, size_t stride, float *out, size_t out_stride, size_t rows, size_t columns,
    const float *restrict weight, const float *restrict bias, float epsilon) {
    for (size_t row = 0; row < rows; row++) {
        const float *line = x + row * stride;
        float *target = out + row * out_stride;
        moments m = moments_of(line, columns);
        float inverse = 1.0f / sqrtf(m.variance + epsilon);
        for (size_t i = 0; i < columns; i++) {
#pragma clang fp contract(fast)
            target[i] = (line[i] - m.mean) * inverse * weight[i] + bias[i];
        }
    }
}

// The largest element; a row that holds a NaN ends up as NaN through the sum.
INLINE float largest(const float *x, size_t count) {
    // Sixteen lanes by hand: a maximum is only reordered by the compiler when NaN is ruled out.
    float lanes[16];
    for (size_t lane = 0; lane < 16; lane++) lanes[lane] = -INFINITY;
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        for (size_t lane = 0; lane < 16; lane++) {
            lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
        }
    }
    float result = -INFINITY;
    for (; i < count; i++) result = x[i] > result ? x[i] : result;
    for (size_t lane = 0; lane < 16; lane++) result = lanes[lane] > result ? lanes[lane] : result;
    return result;
}

KERNEL void kernel_softmax(
    float *restrict x, size_t rows, size_t columns, size_t stride, float scale, const float *restrict mask,
    size_t mask_stride) {
    for (size_t row = 0; row < rows; row++) {
        float *line = x + row * stride;
        for (size_t i = 0; i < columns; i++) line[i] *= scale;
        if (mask) {
            const float *added = mask + row * mask_stride;
            for (size_t i = 0; i < columns; i++) line[i] += added[i];
        }
        float highest = largest(line, columns);
        // A row of which the mask leaves nothing has no weights: 0 everywhere, and not NaN.
        float shift = mask && highest == -INFINITY ? 0.0f : highest;
        float total = 0.0f;
        {
#pragma clang fp reassociate(on)
            for (size_t i = 0; i < columns; i++) {
                float value = exp_of(line[i] - shift);
                line[i] = value;
                total += value;
            }
        }
        float inverse = mask && total == 0.0f ? 0.0f : 1.0f / total;
        for (size_t i = 0; i < columns; i++) line[i] *= inverse;
    }
}

KERNEL void kernel_mean_rows(
    const float *x, size_t rows, size_t columns, size_t stride, float *restrict out) {
    for (size_t i = 0; i < columns; i++) out[i] = 0.0f;
    for (size_t row = 0; row < rows; row++) {
        const float *line = x + row * stride;
        for (size_t i = 0; i < columns; i++) out[i] += line[i];
    }
    for (size_t i = 0; i < columns; i++) out[i] /= (float)rows;
}
