#ifndef VIT_CONVERT_CIMAGES_MESSAGE_H
#define VIT_CONVERT_CIMAGES_MESSAGE_H

#include <stdbool.h>

/// Keeps a reason for ``image_message``; false.
bool image_fail(const char *reason);

#endif
