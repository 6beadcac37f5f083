#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "CBLAS.h"
#include "portable.h"

// The constants and the one function of the CBLAS interface that the model needs.
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };
typedef void (*cblas_sgemm_function)(
    int order, int transpose_a, int transpose_b, int rows, int columns, int inner, float alpha,
    const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static cblas_sgemm_function sgemm;
static char description[512] = "portable kernel";
static char remark[1024];
static char limit[256];
static atomic_int selected = MATRIX_PRODUCT_AUTOMATIC;

static void (*set_threads)(int);
static void (*set_long_threads)(long);

static void tell_threads(int count) {
    if (set_threads) set_threads(count);
    if (set_long_threads) set_long_threads(count);
}

// Libraries run one thread per call here: the work is cut by us, and always the same way.
static void limit_threads(void *library) {
    set_threads = (void (*)(int))dlsym(library, "openblas_set_num_threads");
    if (!set_threads) set_threads = (void (*)(int))dlsym(library, "MKL_Set_Num_Threads");
    set_long_threads = (void (*)(long))dlsym(library, "bli_thread_set_num_threads");
    tell_threads(1);
}

static void describe(void *library, const char *name) {
    const char *(*configuration)(void) = (const char *(*)(void))dlsym(library, "openblas_get_config");
    const char *text = configuration ? configuration() : NULL;
    snprintf(description, sizeof description, "%s", text ? text : name);
    size_t length = strlen(description);
    while (length > 0 && description[length - 1] == ' ') description[--length] = 0;
}

// OpenBLAS lets its kernels be named by a variable of its own, which containers and clusters set for all programs.
static void tell_limit(void *library) {
#if defined(__x86_64__)
    static const char *const with_avx512[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    const char *asked = getenv("OPENBLAS_CORETYPE");
    const char *(*core)(void) = (const char *(*)(void))dlsym(library, "openblas_get_corename");
    __builtin_cpu_init();
    if (!asked || !*asked || !core || !__builtin_cpu_supports("x86-64-v4")) return;
    for (size_t index = 0; index < sizeof with_avx512 / sizeof *with_avx512; index++) {
        if (strcasecmp(core(), with_avx512[index]) == 0) return;
    }
    snprintf(
        limit, sizeof limit, "OPENBLAS_CORETYPE=%.40s keeps OpenBLAS from its kernels for AVX-512, which this processor "
        "has: without that variable it may be up to twice as fast", asked);
#else
    (void)library;
#endif
}

static bool load(const char *name) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(remark, sizeof remark, "%s", reason ? reason : name);
        return false;
    }
    sgemm = (cblas_sgemm_function)dlsym(library, "cblas_sgemm");
    if (!sgemm) {
        snprintf(remark, sizeof remark, "%s has no function cblas_sgemm", name);
        dlclose(library);
        return false;
    }
    limit_threads(library);
    describe(library, name);
    tell_limit(library);
    return true;
}

static void find_library(void) {
    const char *asked = getenv("VIT_CONVERT_BLAS");
    if (asked && *asked) {
        if (strcmp(asked, "portable") == 0) return;
        if (load(asked)) return;
        char reason[sizeof remark];
        memcpy(reason, remark, sizeof reason);
        snprintf(
            remark, sizeof remark, "VIT_CONVERT_BLAS names %.200s, which cannot be used (%.500s); "
            "matrix products run in the portable kernel", asked, reason);
        snprintf(description, sizeof description, "portable kernel (%.200s cannot be loaded)", asked);
        return;
    }
#if defined(__APPLE__)
    if (load("/System/Library/Frameworks/Accelerate.framework/Accelerate")) {
        snprintf(description, sizeof description, "Accelerate");
        remark[0] = 0;
    }
#else
    if (!load("libopenblas.so.0")) {
        snprintf(
            remark, sizeof remark, "OpenBLAS (libopenblas.so.0, Debian's libopenblas0) is not installed; "
            "matrix products run in the slower portable kernel");
    }
#endif
}

static cblas_sgemm_function provider(void) {
    pthread_once(&once, find_library);
    return atomic_load_explicit(&selected, memory_order_relaxed) == MATRIX_PRODUCT_PORTABLE ? NULL : sgemm;
}

void matrix_product(
    bool transpose_a, bool transpose_b, int rows, int columns, int inner, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc) {
    cblas_sgemm_function library = provider();
    if (library) {
        library(
            ROW_MAJOR, transpose_a ? TRANSPOSE : NO_TRANSPOSE, transpose_b ? TRANSPOSE : NO_TRANSPOSE, rows,
            columns, inner, alpha, a, lda, b, ldb, beta, c, ldc);
    } else {
        portable_matrix_product(
            transpose_a, transpose_b, rows, columns, inner, alpha, a, lda, b, ldb, beta, c, ldc);
    }
}

void matrix_product_select(matrix_product_provider provider) {
    atomic_store_explicit(&selected, (int)provider, memory_order_relaxed);
}

matrix_product_provider matrix_product_selected(void) {
    return (matrix_product_provider)atomic_load_explicit(&selected, memory_order_relaxed);
}

bool matrix_product_has_library(void) {
    pthread_once(&once, find_library);
    return sgemm != NULL;
}

bool matrix_product_set_library_threads(int count) {
    if (!provider() || !(set_threads || set_long_threads)) return false;
    tell_threads(count);
    return true;
}

const char *matrix_product_description(void) {
    return !provider() && sgemm ? "portable kernel" : description;
}

const char *matrix_product_remark(void) {
    pthread_once(&once, find_library);
    return !sgemm && remark[0] ? remark : NULL;
}

const char *matrix_product_limit(void) {
    return provider() && limit[0] ? limit : NULL;
}
