#include "message.h"

#include <stdio.h>

#include "CImages.h"

static _Thread_local char message[256];

bool image_fail(const char *reason) {
    snprintf(message, sizeof message, "%s", reason ? reason : "the library gives no reason");
    return false;
}

const char *image_message(void) { return message; }
