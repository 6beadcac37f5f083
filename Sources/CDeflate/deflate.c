#include "CDeflate.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// The functions of libdeflate's interface (https://github.com/ebiggers/libdeflate, libdeflate.h) that are used here.
typedef void *(*alloc_function)(void);
typedef int (*inflate_function)(
    void *decompressor, const void *in, size_t in_count, void *out, size_t out_count, size_t *actual);
typedef void (*free_function)(void *decompressor);
typedef uint32_t (*crc32_function)(uint32_t value, const void *bytes, size_t count);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static alloc_function alloc_decompressor;
static inflate_function decompress;
static free_function free_decompressor;
static crc32_function checksum;

#if defined(__APPLE__)
static const char *const usual_name = "libdeflate.0.dylib";
#else
static const char *const usual_name = "libdeflate.so.0";
#endif

static void find_library(void) {
    const char *asked = getenv("VIT_CONVERT_DEFLATE");
    if (asked && strcmp(asked, "zlib") == 0) return;
    void *library = dlopen(asked && *asked ? asked : usual_name, RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    alloc_decompressor = (alloc_function)dlsym(library, "libdeflate_alloc_decompressor");
    free_decompressor = (free_function)dlsym(library, "libdeflate_free_decompressor");
    checksum = (crc32_function)dlsym(library, "libdeflate_crc32");
    if (!alloc_decompressor || !free_decompressor || !checksum) return;
    // Set last: it stands for the whole library.
    decompress = (inflate_function)dlsym(library, "libdeflate_deflate_decompress");
}

bool deflate_has_library(void) {
    pthread_once(&once, find_library);
    return decompress != NULL;
}

bool deflate_inflate(const void *source, size_t source_count, void *target, size_t count) {
    if (!deflate_has_library()) return false;
    void *decompressor = alloc_decompressor();
    if (!decompressor) return false;
    // Without a place for the actual length, a shorter stream is an error too.
    int status = decompress(decompressor, source, source_count, target, count, NULL);
    free_decompressor(decompressor);
    return status == 0;
}

bool deflate_crc32(uint32_t *value, const void *bytes, size_t count) {
    if (!deflate_has_library()) return false;
    *value = checksum(*value, bytes, count);
    return true;
}
