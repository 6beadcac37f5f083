#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CImages.h"
#include "CLoader.h"
#include "message.h"

// What is used of libpng 1.6 (png.h); its structures are opaque.
typedef struct png_struct png_struct;
typedef struct png_info png_info;
typedef void (*png_tell)(png_struct *, const char *);
typedef void (*png_read)(png_struct *, unsigned char *, size_t);
typedef void (*png_longjmp)(jmp_buf, int);
enum { GREY = 0 };

#define FUNCTIONS(F) \
    F(const char *, get_libpng_ver, (const png_struct *)) \
    F(png_struct *, create_read_struct, (const char *, void *, png_tell, png_tell)) \
    F(png_info *, create_info_struct, (png_struct *)) \
    F(void, destroy_read_struct, (png_struct **, png_info **, png_info **)) \
    F(jmp_buf *, set_longjmp_fn, (png_struct *, png_longjmp, size_t)) \
    F(void *, get_error_ptr, (const png_struct *)) \
    F(void, set_read_fn, (png_struct *, void *, png_read)) \
    F(void *, get_io_ptr, (const png_struct *)) \
    F(void, error, (png_struct *, const char *)) \
    F(void, read_info, (png_struct *, png_info *)) \
    F(uint32_t, get_image_width, (const png_struct *, const png_info *)) \
    F(uint32_t, get_image_height, (const png_struct *, const png_info *)) \
    F(unsigned char, get_bit_depth, (const png_struct *, const png_info *)) \
    F(unsigned char, get_color_type, (const png_struct *, const png_info *)) \
    F(void, set_expand_gray_1_2_4_to_8, (png_struct *)) \
    F(void, set_palette_to_rgb, (png_struct *)) \
    F(void, set_strip_16, (png_struct *)) \
    F(void, set_strip_alpha, (png_struct *)) \
    F(void, set_gray_to_rgb, (png_struct *)) \
    F(int, set_interlace_handling, (png_struct *)) \
    F(void, read_update_info, (png_struct *, png_info *)) \
    F(size_t, get_rowbytes, (const png_struct *, const png_info *)) \
    F(void, read_image, (png_struct *, unsigned char **)) \
    F(void, read_end, (png_struct *, png_info *))

static struct {
#define FIELD(result, name, arguments) result(*name) arguments;
    FUNCTIONS(FIELD)
#undef FIELD
} png;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char problem[512];
static const char *version;

static void load(void) {
    static const char *const names[] = {
#if defined(__APPLE__)
        "libpng16.16.dylib", "/opt/homebrew/lib/libpng16.16.dylib", "/usr/local/lib/libpng16.16.dylib",
#else
        "libpng16.so.16",
#endif
    };
    void *library = loader_open("VIT_CONVERT_PNG", names, sizeof names / sizeof *names);
    if (!library) {
        const char *reason = dlerror();
        snprintf(
            problem, sizeof problem,
            "PNG pictures are read through libpng (Debian's libpng16-16), which cannot be loaded: %s",
            reason ? reason : names[0]);
        return;
    }
#define RESOLVE(result, name, arguments) \
    png.name = (result(*) arguments)dlsym(library, "png_" #name); \
    if (!png.name && !problem[0]) snprintf(problem, sizeof problem, "libpng has no function png_%s", #name);
    FUNCTIONS(RESOLVE)
#undef RESOLVE
    if (!problem[0]) version = png.get_libpng_ver(NULL);
}

const char *image_png_problem(void) {
    pthread_once(&once, load);
    return problem[0] ? problem : NULL;
}

const char *image_png_version(void) { return version; }

// MARK: Reading

struct reader {
    png_struct *png;
    png_info *info;
    const uint8_t *next;
    size_t remaining;
    jmp_buf *jump;
    unsigned char **rows;
};

static void on_error(png_struct *state, const char *text) {
    struct reader *reader = png.get_error_ptr(state);
    image_fail(text);
    if (reader->jump) longjmp(*reader->jump, 1);
    abort();
}

static void on_warning(png_struct *state, const char *text) { (void)state, (void)text; }

static void take(png_struct *state, unsigned char *target, size_t count) {
    struct reader *reader = png.get_io_ptr(state);
    if (count > reader->remaining) png.error(state, "the file ends too early");
    memcpy(target, reader->next, count);
    reader->next += count;
    reader->remaining -= count;
}

static bool start(struct reader *reader, const uint8_t *bytes, size_t count) {
    memset(reader, 0, sizeof *reader);
    if (image_png_problem()) return image_fail(problem);
    reader->png = png.create_read_struct(version, reader, on_error, on_warning);
    if (reader->png) reader->info = png.create_info_struct(reader->png);
    if (!reader->info) return image_fail("libpng cannot be initialised");
    reader->jump = png.set_longjmp_fn(reader->png, longjmp, sizeof(jmp_buf));
    reader->next = bytes;
    reader->remaining = count;
    png.set_read_fn(reader->png, reader, take);
    return true;
}

static void finish(struct reader *reader) {
    free(reader->rows);
    if (reader->png) png.destroy_read_struct(&reader->png, &reader->info, NULL);
}

static void describe(struct reader *reader, image_header *header) {
    png.read_info(reader->png, reader->info);
    bool is_deep_grey = png.get_color_type(reader->png, reader->info) == GREY
        && png.get_bit_depth(reader->png, reader->info) == 16;
    *header = (image_header){
        (int32_t)png.get_image_width(reader->png, reader->info),
        (int32_t)png.get_image_height(reader->png, reader->info), is_deep_grey ? 2 : 3};
}

bool image_png_header(const uint8_t *bytes, size_t count, image_header *header) {
    struct reader reader;
    bool is_read = false;
    if (start(&reader, bytes, count) && setjmp(*reader.jump) == 0) {
        describe(&reader, header);
        is_read = true;
    }
    finish(&reader);
    return is_read;
}

static bool decode(struct reader *reader, const image_header *header, uint8_t *pixels) {
    image_header found;
    describe(reader, &found);
    if (memcmp(&found, header, sizeof found) != 0) return image_fail("the picture changed");
    if (header->pixel_size == 3) {
        png.set_palette_to_rgb(reader->png);
        png.set_expand_gray_1_2_4_to_8(reader->png);
        png.set_strip_16(reader->png);
        png.set_gray_to_rgb(reader->png);
    }
    png.set_strip_alpha(reader->png);
    png.set_interlace_handling(reader->png);
    png.read_update_info(reader->png, reader->info);
    size_t length = (size_t)header->width * (size_t)header->pixel_size;
    if (png.get_rowbytes(reader->png, reader->info) != length) return image_fail("its rows have another length");
    reader->rows = calloc((size_t)header->height, sizeof *reader->rows);
    if (!reader->rows) return image_fail("there is not enough memory");
    for (int32_t row = 0; row < header->height; row++) reader->rows[row] = pixels + (size_t)row * length;
    png.read_image(reader->png, reader->rows);
    png.read_end(reader->png, NULL);
    return true;
}

bool image_png_decode(const uint8_t *bytes, size_t count, const image_header *header, uint8_t *pixels) {
    struct reader reader;
    bool is_read = start(&reader, bytes, count) && setjmp(*reader.jump) == 0 && decode(&reader, header, pixels);
    finish(&reader);
    return is_read;
}
