#include "reading.h"

#include <stdlib.h>
#include <string.h>

// Groups, links and attributes.

bool hdf5_describe(hid_t object, struct reply *reply) {
    H5O_info_t info;
    if (hdf5.oget_info(object, &info, H5O_INFO_BASIC) < 0) return false;
    hdf5_object description = {.kind = HDF5_OTHER_OBJECT, .address = info.addr};
    switch (info.type) {
    case H5O_TYPE_GROUP: description.kind = HDF5_GROUP; break;
    case H5O_TYPE_DATASET: description.kind = HDF5_DATASET; break;
    case H5O_TYPE_NAMED_DATATYPE: description.kind = HDF5_NAMED_TYPE; break;
    default: break;
    }
    hdf5_add(reply, &description, sizeof description);
    return description.kind != HDF5_DATASET || hdf5_describe_dataset(object, reply);
}

struct walk {
    struct reply *reply;
    uint64_t count;
};

static herr_t visit(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct walk *walk = context;
    hdf5_link_kind kind = HDF5_HARD_LINK;
    const char *file = "", *target = "";
    char *value = NULL;
    if (info->type != H5L_TYPE_HARD) {
        value = calloc(1, info->u.val_size + 1);
        if (!value || hdf5.lget_val(group, name, value, info->u.val_size, H5P_DEFAULT) < 0) {
            free(value);
            return -1;
        }
        kind = HDF5_OTHER_LINK;
        if (info->type == H5L_TYPE_SOFT) {
            kind = HDF5_SOFT_LINK;
            target = value;
        } else if (info->type == H5L_TYPE_EXTERNAL
                   && hdf5.lunpack_elink_val(value, info->u.val_size, NULL, &file, &target) >= 0) {
            kind = HDF5_EXTERNAL_LINK;
        }
    }
    hdf5_add_number(walk->reply, kind);
    hdf5_add_text(walk->reply, name, strlen(name));
    hdf5_add_text(walk->reply, target, strlen(target));
    hdf5_add_text(walk->reply, file, strlen(file));
    free(value);
    walk->count++;
    // Links that lead in circles end when memory does.
    return walk->reply->is_short ? -1 : 0;
}

bool hdf5_list_links(hid_t group, struct reply *reply) {
    hid_t creation = hdf5.gget_create_plist(group);
    if (creation < 0) return false;
    unsigned order = 0;
    bool is_known = hdf5.pget_link_creation_order(creation, &order) >= 0;
    hdf5.pclose(creation);
    size_t place = reply->count;
    struct walk walk = {reply, 0};
    hdf5_add_number(reply, 0);
    hsize_t index = 0;
    H5_index_t by = order & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    is_known = is_known && hdf5.literate(group, by, H5_ITER_INC, &index, visit, &walk) >= 0;
    if (!reply->is_short) memcpy(reply->bytes + place, &walk.count, sizeof walk.count);
    return is_known;
}

// MARK: Attributes

struct texts {
    hid_t attribute, type, space;
    hssize_t count;
    size_t size;
    bool is_variable;
};

static bool read_texts(const struct texts *texts, uint64_t limit, struct reply *reply) {
    if (texts->count < 0) return false;
    if (hdf5.tget_class(texts->type) != H5T_STRING || texts->count == 0) {
        hdf5_add_number(reply, 0);
        return true;
    }
    size_t width = texts->is_variable ? sizeof(char *) : texts->size;
    char *buffer = NULL;
    if (width > 0 && (uint64_t)texts->count <= limit / width) buffer = calloc((size_t)texts->count, width);
    if (!buffer) {
        hdf5_fail("an attribute that claims more than the file holds");
        return false;
    }
    if (hdf5.aread(texts->attribute, texts->type, buffer) < 0) {
        free(buffer);
        return false;
    }
    hdf5_add_number(reply, (uint64_t)texts->count);
    for (hssize_t index = 0; index < texts->count; index++) {
        const char *text = texts->is_variable ? ((char **)buffer)[index] : buffer + (size_t)index * width;
        size_t length = !text ? 0 : texts->is_variable ? strlen(text) : strnlen(text, width);
        hdf5_add_text(reply, text ? text : "", length);
    }
    if (texts->is_variable) hdf5.dvlen_reclaim(texts->type, texts->space, H5P_DEFAULT, buffer);
    free(buffer);
    return true;
}

bool hdf5_list_texts(hid_t object, const char *name, uint64_t limit, struct reply *reply) {
    htri_t is_there = hdf5.aexists(object, name);
    if (is_there == 0) hdf5_add_number(reply, 0);
    if (is_there <= 0) return is_there == 0;
    struct texts texts = {.attribute = hdf5.aopen(object, name, H5P_DEFAULT)};
    if (texts.attribute < 0) return false;
    texts.type = hdf5.aget_type(texts.attribute);
    texts.space = hdf5.aget_space(texts.attribute);
    bool is_read = false;
    if (texts.type >= 0 && texts.space >= 0) {
        texts.count = hdf5.sget_simple_extent_npoints(texts.space);
        texts.size = hdf5.tget_size(texts.type);
        texts.is_variable = hdf5.tis_variable_str(texts.type) > 0;
        is_read = read_texts(&texts, limit, reply);
    }
    if (texts.space >= 0) hdf5.sclose(texts.space);
    if (texts.type >= 0) hdf5.tclose(texts.type);
    hdf5.aclose(texts.attribute);
    return is_read;
}
