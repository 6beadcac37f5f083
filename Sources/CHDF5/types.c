#include "reading.h"

#include <string.h>

// The types of datasets.

static bool is_member_named(hid_t type, unsigned index, const char *name) {
    char *found = hdf5.tget_member_name(type, index);
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
    case H5T_STRING: return HDF5_TEXT_TYPE;
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
    if (description->kind == HDF5_INTEGER) {
        description->is_signed = hdf5.tget_sign(type) == H5T_SGN_2;
    }
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

static bool describe_members(hid_t type, hdf5_type *description) {
    int members = hdf5.tget_nmembers(type);
    if (members < 0) return false;
    description->members = (uint32_t)members;
    bool is_pair = members == 2;
    if (description->kind == HDF5_COMPOUND) {
        description->is_complex = is_pair && is_member_named(type, 0, "r") && is_member_named(type, 1, "i");
    } else {
        description->is_boolean = is_pair && is_member_named(type, 0, "FALSE") && is_member_named(type, 1, "TRUE");
    }
    return true;
}

static bool describe_itself(hid_t type, hdf5_type *description) {
    switch (description->kind) {
    case HDF5_INTEGER:
    case HDF5_BIT_FIELD:
    case HDF5_FLOAT: return describe_number(type, description);
    case HDF5_COMPOUND:
    case HDF5_ENUMERATION: return describe_members(type, description);
    case HDF5_OPAQUE: {
        char *tag = hdf5.tget_tag(type);
        if (!tag) return false;
        strncpy(description->tag, tag, sizeof description->tag - 1);
        hdf5.free_memory(tag);
        return true;
    }
    case HDF5_ARRAY: {
        hsize_t lengths[HDF5_LARGEST_RANK];
        int rank = hdf5.tget_array_ndims(type);
        if (rank < 0 || rank > HDF5_LARGEST_RANK || hdf5.tget_array_dims(type, lengths) < 0) return false;
        for (int axis = 0; axis < rank; axis++) description->lengths[axis] = lengths[axis];
        description->rank = (uint32_t)rank;
        return true;
    }
    default: return true;
    }
}

static bool describe_part(hid_t part, uint64_t member_offset, int depth, struct reply *reply) {
    if (part < 0) return false;
    bool is_known = hdf5_describe_type(part, member_offset, depth + 1, reply);
    hdf5.tclose(part);
    return is_known;
}

bool hdf5_describe_type(hid_t type, uint64_t member_offset, int depth, struct reply *reply) {
    if (depth > HDF5_DEEPEST_TYPE) {
        hdf5_fail("types within types within types");
        return false;
    }
    hdf5_type description = {
        .kind = kind_of(type), .size = hdf5.tget_size(type), .member_offset = member_offset,
    };
    if (!describe_itself(type, &description)) return false;
    hdf5_add(reply, &description, sizeof description);
    if (description.kind == HDF5_ENUMERATION || description.kind == HDF5_ARRAY) {
        return describe_part(hdf5.tget_super(type), 0, depth, reply);
    }
    if (!description.is_complex) return true;
    for (unsigned index = 0; index < 2; index++) {
        uint64_t offset = hdf5.tget_member_offset(type, index);
        if (!describe_part(hdf5.tget_member_type(type, index), offset, depth, reply)) return false;
    }
    return true;
}
