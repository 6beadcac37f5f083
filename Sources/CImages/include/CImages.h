// The seam for pictures: libturbojpeg and libpng found at run time on first use, by their sonames or by the names in
// VIT_CONVERT_TURBOJPEG and VIT_CONVERT_PNG.
#ifndef VIT_CONVERT_CIMAGES_H
#define VIT_CONVERT_CIMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What is known of a picture before it is decoded.
typedef struct {
    int32_t width, height;
    /// Bytes of a pixel as it is decoded: 3 for RGB, 4 for CMYK as JPEG files store it, 2 for 16-bit grey, most
    /// significant byte first.
    int32_t pixel_size;
} image_header;

/// Where a library cannot be used, why; null when it is there. Asking loads it.
const char *image_jpeg_problem(void);
const char *image_png_problem(void);

/// False when the bytes are no such picture; ``image_message`` says why.
bool image_jpeg_header(const uint8_t *bytes, size_t count, image_header *header);
bool image_png_header(const uint8_t *bytes, size_t count, image_header *header);

/// Decodes into width · height · pixel_size bytes, row by row.
///
/// Palettes are resolved, alpha is dropped, grey of up to 8 bits is repeated in each channel, colour of 16 bits is cut
/// to 8: as Pillow has it. Nothing is done about orientation or colour profiles.
bool image_jpeg_decode(const uint8_t *bytes, size_t count, const image_header *header, uint8_t *pixels);
bool image_png_decode(const uint8_t *bytes, size_t count, const image_header *header, uint8_t *pixels);

/// The reason of this thread's last failure.
const char *image_message(void);

/// The version of libpng; null before it is loaded.
const char *image_png_version(void);

#endif
