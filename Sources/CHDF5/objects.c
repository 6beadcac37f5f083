#include "library.h"

#include <stdlib.h>
#include <string.h>

// Groups, links and attributes.

hdf5_id hdf5_open_object(hdf5_id parent, const char *name) { return hdf5.oopen(parent, name, H5P_DEFAULT); }

void hdf5_close_object(hdf5_id object) { hdf5.oclose(object); }

bool hdf5_object(hdf5_id object, hdf5_object_kind *kind, uint64_t *address) {
    H5O_info_t info;
    if (hdf5.oget_info(object, &info, H5O_INFO_BASIC) < 0) return false;
    *address = info.addr;
    switch (info.type) {
    case H5O_TYPE_GROUP: *kind = HDF5_GROUP; break;
    case H5O_TYPE_DATASET: *kind = HDF5_DATASET; break;
    case H5O_TYPE_NAMED_DATATYPE: *kind = HDF5_NAMED_TYPE; break;
    default: *kind = HDF5_OTHER_OBJECT; break;
    }
    return true;
}

struct walk {
    void *context;
    void (*each)(void *, const char *, hdf5_link_kind, const char *, const char *);
};

static herr_t visit(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    const struct walk *walk = context;
    if (info->type == H5L_TYPE_HARD) {
        walk->each(walk->context, name, HDF5_HARD_LINK, NULL, NULL);
        return 0;
    }
    char *value = calloc(1, info->u.val_size + 1);
    if (!value || hdf5.lget_val(group, name, value, info->u.val_size, H5P_DEFAULT) < 0) {
        free(value);
        return -1;
    }
    if (info->type == H5L_TYPE_SOFT) {
        walk->each(walk->context, name, HDF5_SOFT_LINK, value, NULL);
    } else {
        const char *file = NULL, *target = NULL;
        bool is_external = info->type == H5L_TYPE_EXTERNAL
            && hdf5.lunpack_elink_val(value, info->u.val_size, NULL, &file, &target) >= 0;
        walk->each(walk->context, name, is_external ? HDF5_EXTERNAL_LINK : HDF5_OTHER_LINK, target, file);
    }
    free(value);
    return 0;
}

bool hdf5_links(
    hdf5_id group, void *context,
    void (*each)(void *context, const char *name, hdf5_link_kind kind, const char *target, const char *file)) {
    hid_t creation = hdf5.gget_create_plist(group);
    if (creation < 0) return false;
    unsigned order = 0;
    bool is_known = hdf5.pget_link_creation_order(creation, &order) >= 0;
    hdf5.pclose(creation);
    struct walk walk = {context, each};
    hsize_t index = 0;
    H5_index_t by = order & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    return is_known && hdf5.literate(group, by, H5_ITER_INC, &index, visit, &walk) >= 0;
}

// MARK: Attributes

struct texts {
    hid_t attribute, type, space;
    hssize_t count;
    size_t size;
    bool is_variable;
};

static int64_t read_texts(
    const struct texts *texts, uint64_t limit, void *context,
    void (*each)(void *context, const char *bytes, size_t count)) {
    if (texts->count < 0) return -1;
    if (hdf5.tget_class(texts->type) != H5T_STRING || texts->count == 0) return 0;
    size_t width = texts->is_variable ? sizeof(char *) : texts->size;
    char *buffer = NULL;
    if (width > 0 && (uint64_t)texts->count <= limit / width) buffer = calloc((size_t)texts->count, width);
    if (!buffer) {
        hdf5_fail("an attribute that claims more than the file holds");
        return -1;
    }
    if (hdf5.aread(texts->attribute, texts->type, buffer) < 0) {
        free(buffer);
        return -1;
    }
    for (hssize_t index = 0; index < texts->count; index++) {
        const char *text = texts->is_variable ? ((char **)buffer)[index] : buffer + (size_t)index * width;
        each(context, text ? text : "", !text ? 0 : texts->is_variable ? strlen(text) : strnlen(text, width));
    }
    if (texts->is_variable) hdf5.dvlen_reclaim(texts->type, texts->space, H5P_DEFAULT, buffer);
    free(buffer);
    return texts->count;
}

int64_t hdf5_texts(
    hdf5_id object, const char *name, uint64_t limit, void *context,
    void (*each)(void *context, const char *bytes, size_t count)) {
    htri_t is_there = hdf5.aexists(object, name);
    if (is_there <= 0) return is_there;
    struct texts texts = {.attribute = hdf5.aopen(object, name, H5P_DEFAULT)};
    if (texts.attribute < 0) return -1;
    texts.type = hdf5.aget_type(texts.attribute);
    texts.space = hdf5.aget_space(texts.attribute);
    int64_t count = -1;
    if (texts.type >= 0 && texts.space >= 0) {
        texts.count = hdf5.sget_simple_extent_npoints(texts.space);
        texts.size = hdf5.tget_size(texts.type);
        texts.is_variable = hdf5.tis_variable_str(texts.type) > 0;
        count = read_texts(&texts, limit, context, each);
    }
    if (texts.space >= 0) hdf5.sclose(texts.space);
    if (texts.type >= 0) hdf5.tclose(texts.type);
    hdf5.aclose(texts.attribute);
    return count;
}
