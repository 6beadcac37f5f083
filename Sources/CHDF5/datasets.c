#include "library.h"

#include <stdlib.h>
#include <string.h>

// Datasets and their types.

static bool describe_space(hid_t dataset, hdf5_dataset *description) {
    hid_t space = hdf5.dget_space(dataset);
    if (space < 0) return false;
    H5S_class_t kind = hdf5.sget_simple_extent_type(space);
    description->is_null = kind == H5S_NULL;
    description->rank = kind == H5S_SIMPLE ? hdf5.sget_simple_extent_ndims(space) : 0;
    hsize_t lengths[HDF5_LARGEST_RANK];
    bool is_known = kind != H5S_NO_CLASS && description->rank >= 0 && description->rank <= HDF5_LARGEST_RANK;
    if (is_known && description->rank > 0) {
        is_known = hdf5.sget_simple_extent_dims(space, lengths, NULL) == description->rank;
        for (int axis = 0; axis < description->rank; axis++) description->lengths[axis] = lengths[axis];
    }
    hdf5.sclose(space);
    if (!is_known) hdf5_fail("a dataset of no known shape");
    return is_known;
}

// A virtual dataset is made of others; "." is this file.
static bool is_in_other_files(hid_t creation) {
    size_t count = 0;
    if (hdf5.pget_virtual_count(creation, &count) < 0) return true;
    for (size_t index = 0; index < count; index++) {
        char name[3] = "";
        if (hdf5.pget_virtual_filename(creation, index, name, sizeof name) != 1 || name[0] != '.') return true;
    }
    return false;
}

static bool describe_layout(hid_t creation, hdf5_dataset *description) {
    switch (hdf5.pget_layout(creation)) {
    case H5D_COMPACT: description->layout = HDF5_COMPACT; break;
    case H5D_CONTIGUOUS:
        description->layout = HDF5_CONTIGUOUS;
        description->is_elsewhere = hdf5.pget_external_count(creation) > 0;
        break;
    case H5D_CHUNKED: {
        description->layout = HDF5_CHUNKED;
        hsize_t lengths[HDF5_LARGEST_RANK];
        int rank = hdf5.pget_chunk(creation, HDF5_LARGEST_RANK, lengths);
        if (rank < 0 || rank > HDF5_LARGEST_RANK) {
            hdf5_fail("chunks with too many axes");
            return false;
        }
        uint64_t elements = 1;
        for (int axis = 0; axis < rank; axis++) {
            if (__builtin_mul_overflow(elements, (uint64_t)lengths[axis], &elements)) elements = 0;
        }
        description->chunk_elements = elements;
        break;
    }
    case H5D_VIRTUAL:
        description->layout = HDF5_VIRTUAL;
        description->is_elsewhere = is_in_other_files(creation);
        break;
    default: description->layout = HDF5_OTHER_LAYOUT; break;
    }
    description->filters = hdf5.pget_nfilters(creation);
    return description->filters >= 0;
}

bool hdf5_describe(hdf5_id dataset, hdf5_dataset *description) {
    memset(description, 0, sizeof *description);
    hid_t creation = hdf5.dget_create_plist(dataset);
    if (creation < 0) return false;
    bool is_known = describe_layout(creation, description);
    hdf5.pclose(creation);
    // Asking a virtual dataset for its shape may open the files that it is made of.
    if (!is_known || description->is_elsewhere) return is_known;
    description->offset = hdf5.dget_offset(dataset);
    return describe_space(dataset, description);
}

uint64_t hdf5_stored_bytes(hdf5_id dataset) { return hdf5.dget_storage_size(dataset); }

bool hdf5_filter(hdf5_id dataset, int index, int *number, char *name, bool *is_available) {
    hid_t creation = hdf5.dget_create_plist(dataset);
    if (creation < 0) return false;
    unsigned flags = 0, configuration = 0;
    size_t values = 0;
    *number = (int)hdf5.pget_filter(creation, (unsigned)index, &flags, &values, NULL, 64, name, &configuration);
    name[63] = 0;
    hdf5.pclose(creation);
    if (*number < 0) return false;
    *is_available = hdf5.zfilter_avail((H5Z_filter_t)*number) > 0;
    return true;
}

bool hdf5_read(hdf5_id dataset, void *buffer) {
    hid_t type = hdf5.dget_type(dataset);
    if (type < 0) return false;
    bool is_read = hdf5.dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer) >= 0;
    hdf5.tclose(type);
    return is_read;
}

bool hdf5_fill_value(hdf5_id dataset, void *buffer) {
    hid_t creation = hdf5.dget_create_plist(dataset), type = hdf5.dget_type(dataset);
    H5D_fill_value_t kind = H5D_FILL_VALUE_ERROR;
    bool is_read = creation >= 0 && type >= 0 && hdf5.pfill_value_defined(creation, &kind) >= 0;
    if (is_read && kind == H5D_FILL_VALUE_UNDEFINED) {
        memset(buffer, 0, hdf5.tget_size(type));
    } else {
        is_read = is_read && hdf5.pget_fill_value(creation, type, buffer) >= 0;
    }
    if (type >= 0) hdf5.tclose(type);
    if (creation >= 0) hdf5.pclose(creation);
    return is_read;
}

// MARK: Types

hdf5_id hdf5_open_type(hdf5_id dataset) { return hdf5.dget_type(dataset); }
hdf5_id hdf5_open_base(hdf5_id type) { return hdf5.tget_super(type); }
void hdf5_close_type(hdf5_id type) { hdf5.tclose(type); }

hdf5_id hdf5_open_member(hdf5_id type, int index, uint64_t *offset) {
    *offset = hdf5.tget_member_offset(type, (unsigned)index);
    return hdf5.tget_member_type(type, (unsigned)index);
}

bool hdf5_member_is_named(hdf5_id type, int index, const char *name) {
    char *found = hdf5.tget_member_name(type, (unsigned)index);
    bool is_named = found && strcmp(found, name) == 0;
    if (found) hdf5.free_memory(found);
    return is_named;
}

static hdf5_type_kind kind_of(hid_t type) {
    switch (hdf5.tget_class(type)) {
    case H5T_INTEGER: return HDF5_INTEGER;
    case H5T_FLOAT: return HDF5_FLOAT;
    case H5T_ENUM: return HDF5_ENUMERATION;
    case H5T_BITFIELD: return HDF5_BIT_FIELD;
    case H5T_OPAQUE: return HDF5_OPAQUE;
    case H5T_COMPOUND: return HDF5_COMPOUND;
    case H5T_ARRAY: return HDF5_ARRAY;
    case H5T_STRING: return HDF5_TEXT;
    case H5T_REFERENCE: return HDF5_REFERENCE;
    case H5T_VLEN: return HDF5_SEQUENCE;
    case H5T_TIME: return HDF5_TIME;
    default: return HDF5_OTHER_TYPE;
    }
}

static bool describe_number(hid_t type, hdf5_type *description) {
    H5T_order_t order = hdf5.tget_order(type);
    description->is_big_endian = order == H5T_ORDER_BE;
    description->is_mixed_endian = order != H5T_ORDER_BE && order != H5T_ORDER_LE;
    description->precision = hdf5.tget_precision(type);
    description->bit_offset = (uint64_t)hdf5.tget_offset(type);
    if (description->kind == HDF5_INTEGER) description->is_signed = hdf5.tget_sign(type) == H5T_SGN_2;
    if (description->kind != HDF5_FLOAT) return true;
    size_t sign, exponent, exponent_size, mantissa, mantissa_size;
    if (hdf5.tget_fields(type, &sign, &exponent, &exponent_size, &mantissa, &mantissa_size) < 0) return false;
    description->sign_place = sign;
    description->exponent_place = exponent;
    description->exponent_size = exponent_size;
    description->mantissa_place = mantissa;
    description->mantissa_size = mantissa_size;
    description->bias = hdf5.tget_ebias(type);
    description->has_hidden_bit = hdf5.tget_norm(type) == H5T_NORM_IMPLIED;
    return true;
}

bool hdf5_describe_type(hdf5_id type, hdf5_type *description) {
    memset(description, 0, sizeof *description);
    description->kind = kind_of(type);
    description->size = hdf5.tget_size(type);
    switch (description->kind) {
    case HDF5_INTEGER:
    case HDF5_BIT_FIELD:
    case HDF5_FLOAT: return describe_number(type, description);
    case HDF5_COMPOUND:
    case HDF5_ENUMERATION:
        description->members = hdf5.tget_nmembers(type);
        return description->members >= 0;
    case HDF5_OPAQUE: {
        char *tag = hdf5.tget_tag(type);
        if (!tag) return false;
        strncpy(description->tag, tag, sizeof description->tag - 1);
        hdf5.free_memory(tag);
        return true;
    }
    case HDF5_ARRAY: {
        hsize_t lengths[HDF5_LARGEST_RANK];
        description->rank = hdf5.tget_array_ndims(type);
        if (description->rank < 0 || description->rank > HDF5_LARGEST_RANK
            || hdf5.tget_array_dims(type, lengths) < 0) {
            return false;
        }
        for (int axis = 0; axis < description->rank; axis++) description->lengths[axis] = lengths[axis];
        return true;
    }
    default: return true;
    }
}
