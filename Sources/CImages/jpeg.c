#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "CImages.h"
#include "CLoader.h"
#include "message.h"

// What is used of the TurboJPEG API, version 2 (turbojpeg.h of libjpeg-turbo).
enum { RGB = 0, CMYK = 11 };
enum { COLOUR_CMYK = 3, COLOUR_YCCK = 4 };
// An error in place of hours for a progressive picture of endless scans; older libraries pass it over.
enum { LIMIT_SCANS = 32768 };
enum { IS_WARNING = 0 };

static struct {
    void *(*init)(void);
    int (*destroy)(void *);
    int (*header)(void *, const unsigned char *, unsigned long, int *, int *, int *, int *);
    int (*decompress)(void *, const unsigned char *, unsigned long, unsigned char *, int, int, int, int, int);
    char *(*error)(void *);
    int (*error_code)(void *);
} jpeg;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char problem[512];

static void load(void) {
    static const char *const names[] = {
#if defined(__APPLE__)
        "libturbojpeg.0.dylib", "/opt/homebrew/lib/libturbojpeg.0.dylib", "/usr/local/lib/libturbojpeg.0.dylib",
#else
        "libturbojpeg.so.0",
#endif
    };
    void *library = loader_open("VIT_CONVERT_TURBOJPEG", names, sizeof names / sizeof *names);
    if (!library) {
        const char *reason = dlerror();
        snprintf(
            problem, sizeof problem,
            "JPEG pictures are read through libturbojpeg (Debian's libturbojpeg0), which cannot be loaded: %s",
            reason ? reason : names[0]);
        return;
    }
#define FUNCTION(field, symbol) \
    jpeg.field = (__typeof__(jpeg.field))dlsym(library, symbol); \
    if (!jpeg.field && !problem[0]) snprintf(problem, sizeof problem, "libturbojpeg has no function %s", symbol);
    FUNCTION(init, "tjInitDecompress")
    FUNCTION(destroy, "tjDestroy")
    FUNCTION(header, "tjDecompressHeader3")
    FUNCTION(decompress, "tjDecompress2")
    FUNCTION(error, "tjGetErrorStr2")
    FUNCTION(error_code, "tjGetErrorCode")
#undef FUNCTION
}

const char *image_jpeg_problem(void) {
    pthread_once(&once, load);
    return problem[0] ? problem : NULL;
}

static void *start(void) {
    if (image_jpeg_problem()) {
        image_fail(problem);
        return NULL;
    }
    void *handle = jpeg.init();
    if (!handle) image_fail("libturbojpeg cannot be initialised");
    return handle;
}

bool image_jpeg_header(const uint8_t *bytes, size_t count, image_header *header) {
    void *handle = start();
    if (!handle) return false;
    int sampling = 0, colour = 0, width = 0, height = 0;
    bool is_read = jpeg.header(handle, bytes, count, &width, &height, &sampling, &colour) == 0;
    if (!is_read) image_fail(jpeg.error(handle));
    jpeg.destroy(handle);
    bool is_cmyk = colour == COLOUR_CMYK || colour == COLOUR_YCCK;
    *header = (image_header){width, height, is_cmyk ? 4 : 3};
    return is_read;
}

bool image_jpeg_decode(const uint8_t *bytes, size_t count, const image_header *header, uint8_t *pixels) {
    void *handle = start();
    if (!handle) return false;
    int format = header->pixel_size == 4 ? CMYK : RGB;
    bool is_read = jpeg.decompress(
        handle, bytes, count, pixels, header->width, 0, header->height, format, LIMIT_SCANS) == 0;
    if (!is_read) {
        const char *reason = jpeg.error(handle);
        // Of a picture that is damaged but whole the library only warns; the rest of one that is cut is grey.
        is_read = jpeg.error_code(handle) == IS_WARNING && reason && !strstr(reason, "Premature end");
        if (!is_read) image_fail(reason);
    }
    jpeg.destroy(handle);
    return is_read;
}
