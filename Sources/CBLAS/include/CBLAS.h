// The seam for matrix products: a library with the CBLAS interface found at run time, or a portable kernel.
#ifndef VIT_CONVERT_CBLAS_H
#define VIT_CONVERT_CBLAS_H

#include <stdbool.h>

typedef enum {
    /// The library that VIT_CONVERT_BLAS names, else OpenBLAS (Accelerate on Apple systems), else the kernel.
    MATRIX_PRODUCT_AUTOMATIC = 0,
    /// The portable kernel, whatever else is there.
    MATRIX_PRODUCT_PORTABLE,
} matrix_product_provider;

/// C ← alpha · op(A) · op(B) + beta · C, row-major, with leading dimensions as in CBLAS.
///
/// op(A) is rows × inner, op(B) inner × columns. One thread per call; calls from several threads are safe.
/// With beta 0, C is written without being read.
void matrix_product(
    bool transpose_a, bool transpose_b, int rows, int columns, int inner, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc);

/// Chooses for all later products; libraries are looked for once, on first use.
void matrix_product_select(matrix_product_provider provider);
matrix_product_provider matrix_product_selected(void);

/// Whether a library was found, whatever is selected.
bool matrix_product_has_library(void);

/// Sets how many threads the library itself puts to work on one product, from now on and in the whole process.
///
/// It is 1 from the start, and must be 1 again when results are to count: how the library cuts a product depends
/// on it. False, and nothing is changed, where there is no library or none that can be told.
bool matrix_product_set_library_threads(int count);

/// What computes the products: "OpenBLAS 0.3.21 …", "Accelerate", a library's path, or "portable kernel".
const char *matrix_product_description(void);

/// Why there is no library, in words, or null when there is one or the portable kernel was asked for.
const char *matrix_product_remark(void);

/// What keeps the library in use from what the processor could do, in words, or null.
const char *matrix_product_limit(void);

#endif
