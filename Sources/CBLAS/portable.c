// A matrix product that is correct and plain: a panel of B is copied side by side, and small tiles of C are
// accumulated in registers by loops that the compiler vectorises.
#include "portable.h"

#include <stddef.h>

#if defined(__x86_64__) && defined(__ELF__) && defined(__linux__)
#include <features.h>
#endif
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KERNEL_WITHOUT_CLONES
#endif
#endif

// Compiled for each generation of vector units where the loader can pick one (as in CKernels/dispatch.h).
#if defined(__x86_64__) && defined(__ELF__) && defined(__GLIBC__) && !defined(KERNEL_WITHOUT_CLONES)
#define KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define KERNEL
#endif

enum {
    TILE_ROWS = 4,
    TILE_COLUMNS = 32,
    // Elements of the inner dimension at a time: a panel of B is 32 KB and stays in the first cache.
    PANEL_DEPTH = 256,
};

// C[rows × columns] += alpha · A · panel, for at most TILE_ROWS × TILE_COLUMNS elements.
static inline __attribute__((always_inline)) void tile(
    const float *a, ptrdiff_t a_row, ptrdiff_t a_step, const float *panel, ptrdiff_t depth, float alpha,
    float *c, ptrdiff_t ldc, int rows, int columns) {
#pragma clang fp contract(fast)
    float sums[TILE_ROWS][TILE_COLUMNS] = {{0}};
    for (ptrdiff_t k = 0; k < depth; k++) {
        for (int i = 0; i < rows; i++) {
            float factor = a[i * a_row + k * a_step];
            for (int j = 0; j < TILE_COLUMNS; j++) sums[i][j] += factor * panel[k * TILE_COLUMNS + j];
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) c[i * ldc + j] += alpha * sums[i][j];
    }
}

KERNEL void portable_matrix_product(
    bool transpose_a, bool transpose_b, int rows, int columns, int inner, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc) {
    const ptrdiff_t a_row = transpose_a ? 1 : lda, a_step = transpose_a ? lda : 1;
    const ptrdiff_t b_row = transpose_b ? 1 : ldb, b_step = transpose_b ? ldb : 1;
    for (ptrdiff_t i = 0; i < rows; i++) {
        for (ptrdiff_t j = 0; j < columns; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
    }
    float panel[PANEL_DEPTH * TILE_COLUMNS];
    for (ptrdiff_t start = 0; start < inner; start += PANEL_DEPTH) {
        const ptrdiff_t depth = inner - start < PANEL_DEPTH ? inner - start : PANEL_DEPTH;
        for (ptrdiff_t column = 0; column < columns; column += TILE_COLUMNS) {
            const int width = columns - column < TILE_COLUMNS ? (int)(columns - column) : TILE_COLUMNS;
            for (ptrdiff_t j = 0; j < TILE_COLUMNS; j++) {
                const float *source = b + start * b_row + (column + j) * b_step;
                for (ptrdiff_t k = 0; k < depth; k++) {
                    panel[k * TILE_COLUMNS + j] = j < width ? source[k * b_row] : 0.0f;
                }
            }
            for (ptrdiff_t row = 0; row < rows; row += TILE_ROWS) {
                const float *left = a + row * a_row + start * a_step;
                float *target = c + row * ldc + column;
                if (rows - row >= TILE_ROWS && width == TILE_COLUMNS) {
                    tile(left, a_row, a_step, panel, depth, alpha, target, ldc, TILE_ROWS, TILE_COLUMNS);
                } else {
                    const int height = rows - row < TILE_ROWS ? (int)(rows - row) : TILE_ROWS;
                    tile(left, a_row, a_step, panel, depth, alpha, target, ldc, height, width);
                }
            }
        }
    }
}
