#ifndef VIT_CONVERT_PORTABLE_H
#define VIT_CONVERT_PORTABLE_H

#include <stdbool.h>

/// `matrix_product` in plain C.
void portable_matrix_product(
    bool transpose_a, bool transpose_b, int rows, int columns, int inner, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc);

#endif
