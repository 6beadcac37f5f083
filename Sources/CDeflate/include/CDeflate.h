// The seam for inflating whole members: libdeflate, found at run time.
#ifndef VIT_CONVERT_CDEFLATE_H
#define VIT_CONVERT_CDEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether there is a library: the one that VIT_CONVERT_DEFLATE names, else libdeflate. With "zlib" there is none.
///
/// It is looked for once, on first use of any of these functions.
bool deflate_has_library(void);

/// Inflates a raw deflate stream (RFC 1951) that holds exactly `count` bytes; what follows its end is not looked at.
///
/// False where there is no library, and where the stream is damaged or of another length; the target is undefined then.
bool deflate_inflate(const void *source, size_t source_count, void *target, size_t count);

/// Continues the CRC-32 of zip archives; false, with nothing changed, where there is no library.
bool deflate_crc32(uint32_t *value, const void *bytes, size_t count);

#endif
