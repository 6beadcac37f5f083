#include "library.h"

#include <stdint.h>

static hid_t integer_type(bool is_signed, size_t size) {
    switch (size) {
    case 1: return hdf5.tcopy(is_signed ? hdf5.i8 : hdf5.u8);
    case 2: return hdf5.tcopy(is_signed ? hdf5.i16 : hdf5.u16);
    case 4: return hdf5.tcopy(is_signed ? hdf5.i32 : hdf5.u32);
    case 8: return hdf5.tcopy(is_signed ? hdf5.i64 : hdf5.u64);
    default: return -1;
    }
}

static hid_t float_type(size_t size) {
    if (size != 2) return size == 4 ? hdf5.tcopy(hdf5.f32) : size == 8 ? hdf5.tcopy(hdf5.f64) : -1;
    hid_t type = hdf5.tcopy(hdf5.f32);
    // IEEE 754 binary16: the library has no name for it before version 1.14.4.
    if (type >= 0 && hdf5.tset_fields(type, 15, 10, 5, 0, 10) >= 0 && hdf5.tset_size(type, 2) >= 0
        && hdf5.tset_ebias(type, 15) >= 0) {
        return type;
    }
    if (type >= 0) hdf5.tclose(type);
    return -1;
}

static hid_t bool_type(void) {
    hid_t type = hdf5.tenum_create(hdf5.i8);
    int8_t no = 0, yes = 1;
    if (type >= 0 && hdf5.tenum_insert(type, "FALSE", &no) >= 0 && hdf5.tenum_insert(type, "TRUE", &yes) >= 0) {
        return type;
    }
    if (type >= 0) hdf5.tclose(type);
    return -1;
}

static hid_t complex_type(size_t size) {
    hid_t part = float_type(size / 2), type = part < 0 ? -1 : hdf5.tcreate(H5T_COMPOUND, size);
    bool is_made =
        type >= 0 && hdf5.tinsert(type, "r", 0, part) >= 0 && hdf5.tinsert(type, "i", size / 2, part) >= 0;
    if (part >= 0) hdf5.tclose(part);
    if (is_made || type < 0) return type;
    hdf5.tclose(type);
    return -1;
}

static hid_t opaque_type(size_t size) {
    hid_t type = hdf5.tcreate(H5T_OPAQUE, size);
    if (type < 0 || hdf5.tset_tag(type, "") >= 0) return type;
    hdf5.tclose(type);
    return -1;
}

static hid_t written_type(hdf5_written_kind kind, size_t size) {
    switch (kind) {
    case HDF5_WRITE_SIGNED: return integer_type(true, size);
    case HDF5_WRITE_UNSIGNED: return integer_type(false, size);
    case HDF5_WRITE_FLOAT: return float_type(size);
    case HDF5_WRITE_COMPLEX: return complex_type(size);
    case HDF5_WRITE_BOOL: return bool_type();
    case HDF5_WRITE_BFLOAT16: return opaque_type(2);
    }
    return -1;
}

void hdf5_close_object(hdf5_id object) { hdf5.oclose(object); }

hdf5_id hdf5_create_group(hdf5_id parent, const char *name) {
    hid_t creation = hdf5.pcreate(hdf5.group_creation), group = -1;
    if (creation < 0) return -1;
    if (hdf5.pset_obj_track_times(creation, 0) >= 0) {
        group = hdf5.gcreate(parent, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    }
    hdf5.pclose(creation);
    return group;
}

hdf5_id hdf5_create_dataset(
    hdf5_id parent, const char *name, hdf5_written_kind kind, size_t size, int rank, const uint64_t *lengths,
    uint64_t *offset) {
    hsize_t extent[HDF5_LARGEST_RANK];
    if (rank < 0 || rank > HDF5_LARGEST_RANK) return -1;
    for (int axis = 0; axis < rank; axis++) extent[axis] = lengths[axis];
    hid_t type = written_type(kind, size), creation = hdf5.pcreate(hdf5.dataset_creation), dataset = -1;
    hid_t space = rank == 0 ? hdf5.screate(H5S_SCALAR) : hdf5.screate_simple(rank, extent, NULL);
    if (type >= 0 && creation >= 0 && space >= 0 && hdf5.pset_obj_track_times(creation, 0) >= 0
        && hdf5.pset_layout(creation, H5D_CONTIGUOUS) >= 0
        && hdf5.pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY) >= 0
        && hdf5.pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0) {
        dataset = hdf5.dcreate(parent, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    }
    if (space >= 0) hdf5.sclose(space);
    if (creation >= 0) hdf5.pclose(creation);
    if (type >= 0) hdf5.tclose(type);
    if (dataset >= 0) *offset = hdf5.dget_offset(dataset);
    return dataset;
}

static bool set_attribute(hid_t object, const char *name, hid_t type, hid_t space, const void *value) {
    bool is_set = false;
    if (type >= 0 && space >= 0) {
        hid_t attribute = hdf5.acreate(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        if (attribute >= 0) {
            is_set = hdf5.awrite(attribute, type, value) >= 0;
            is_set = hdf5.aclose(attribute) >= 0 && is_set;
        }
    }
    if (space >= 0) hdf5.sclose(space);
    if (type >= 0) hdf5.tclose(type);
    return is_set;
}

static hid_t text_type(size_t width) {
    hid_t type = hdf5.tcopy(hdf5.text);
    if (type >= 0 && hdf5.tset_size(type, width) >= 0 && hdf5.tset_cset(type, H5T_CSET_UTF8) >= 0
        && hdf5.tset_strpad(type, width == H5T_VARIABLE ? H5T_STR_NULLTERM : H5T_STR_NULLPAD) >= 0) {
        return type;
    }
    if (type >= 0) hdf5.tclose(type);
    return -1;
}

bool hdf5_set_text(hdf5_id object, const char *name, const char *value) {
    return set_attribute(object, name, text_type(H5T_VARIABLE), hdf5.screate(H5S_SCALAR), &value);
}

bool hdf5_set_texts(hdf5_id object, const char *name, const char *padded, size_t width, size_t count) {
    hsize_t extent = count;
    return set_attribute(object, name, text_type(width), hdf5.screate_simple(1, &extent, NULL), padded);
}
