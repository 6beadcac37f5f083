#include "child.h"
#include "reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What the child process does. It is copied from a process whose other threads may have held any lock: nothing is
// called here but libhdf5, the allocator, which knows about copies, and the system.

static const hdf5_source *source;
static int connection;

// MARK: The file

static bool has_failed;
static hdf5_read_failure failure;

static bool fail(uint64_t code, bool has_shrunk, uint64_t offset, uint64_t needed, uint64_t available) {
    has_failed = true;
    failure = (hdf5_read_failure){code, has_shrunk, source->start + offset, needed, available};
    return false;
}

static bool read_source(void *context, uint64_t offset, void *buffer, size_t count) {
    (void)context;
    if (offset > source->size || count > source->size - offset) {
        uint64_t place = offset < source->size ? offset : source->size;
        return fail(0, false, place, count, source->size - place);
    }
    if (source->memory) memcpy(buffer, (const char *)source->memory + offset, count);
    for (size_t done = 0; !source->memory && done < count;) {
        off_t place = (off_t)(source->start + offset + done);
        ssize_t got = pread(source->descriptor, (char *)buffer + done, count - done, place);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail((uint64_t)errno, false, offset + done, count, done);
        if (got == 0) return fail(0, true, offset + done, count, done);
        done += (size_t)got;
    }
    for (uint64_t index = 0; index < source->patch_size; index++) {
        uint64_t place = source->patch_offset + index;
        if (place >= offset && place - offset < count) {
            ((char *)buffer)[place - offset] = ((const char *)source->patch)[index];
        }
    }
    return true;
}

// MARK: Replies

void hdf5_add(struct reply *reply, const void *bytes, size_t count) {
    if (reply->is_short) return;
    if (count > reply->capacity - reply->count) {
        size_t capacity = 2 * (reply->count + count);
        char *more = realloc(reply->bytes, capacity);
        reply->is_short = !more;
        if (!more) return;
        reply->bytes = more;
        reply->capacity = capacity;
    }
    memcpy(reply->bytes + reply->count, bytes, count);
    reply->count += count;
}

void hdf5_add_number(struct reply *reply, uint64_t number) { hdf5_add(reply, &number, sizeof number); }

void hdf5_add_text(struct reply *reply, const char *bytes, size_t count) {
    hdf5_add_number(reply, count);
    hdf5_add(reply, bytes, count);
}

// Nobody is there to hear of a failure to send.
static void send_all(const void *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t sent = write(connection, (const char *)bytes + done, count - done);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) _exit(1);
        done += (size_t)sent;
    }
}

static void send_frame(hdf5_status status, const void *bytes, size_t count) {
    hdf5_frame frame = {.status = status, .count = count};
    send_all(&frame, sizeof frame);
    send_all(bytes, count);
}

static bool send_more(const void *bytes, size_t count) {
    send_frame(HDF5_MORE, bytes, count);
    return true;
}

static void send_result(bool is_done, const struct reply *reply) {
    if (is_done && !reply->is_short) {
        send_frame(HDF5_DONE, reply->bytes, reply->count);
    } else if (has_failed) {
        send_frame(HDF5_UNREADABLE, &failure, sizeof failure);
    } else {
        const char *message = reply->is_short ? "more than there is memory for" : hdf5_message();
        send_frame(HDF5_FAILED, message, strlen(message));
    }
    has_failed = false;
}

// MARK: Requests

static bool receive_all(void *buffer, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t got = read(connection, (char *)buffer + done, count - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

static bool list_texts(hid_t object, const char *names, const char *end, struct reply *reply) {
    for (const char *name = names; name < end; name += strlen(name) + 1) {
        if (!hdf5_list_texts(object, name, source->size, reply)) return false;
    }
    return true;
}

static bool answer(hid_t file, hdf5_operation operation, const char *texts, size_t count, struct reply *reply) {
    hid_t object = hdf5.oopen(file, texts, H5P_DEFAULT);
    if (object < 0) return false;
    const char *names = texts + strlen(texts) + 1, *end = texts + count;
    bool is_done = false;
    switch (operation) {
    case HDF5_DESCRIBE: is_done = hdf5_describe(object, reply); break;
    case HDF5_LIST: is_done = hdf5_list_links(object, reply) && list_texts(object, names, end, reply); break;
    case HDF5_TEXTS: is_done = list_texts(object, names, end, reply); break;
    case HDF5_FILL: is_done = hdf5_add_fill_value(object, reply); break;
    case HDF5_VALUES: is_done = hdf5_read_values(object, hdf5_raise_limits, send_more); break;
    }
    hdf5.oclose(object);
    return is_done;
}

void hdf5_serve(const hdf5_source *file_source, int file_connection) {
    source = file_source;
    connection = file_connection;
    const hdf5_bytes bytes = {.size = source->size, .read = read_source};
    hid_t file = hdf5_open(&bytes);
    struct reply reply = {0};
    send_result(file >= 0, &reply);
    hdf5_request request;
    while (file >= 0 && receive_all(&request, sizeof request)) {
        char *texts = calloc(1, (size_t)request.count + 1);
        if (!texts || !receive_all(texts, request.count)) return;
        reply.count = 0;
        reply.is_short = false;
        send_result(answer(file, request.operation, texts, request.count, &reply), &reply);
        free(texts);
    }
}
