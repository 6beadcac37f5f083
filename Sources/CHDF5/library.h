// The functions of libhdf5 that are used, by the names of their symbols.
#ifndef VIT_CONVERT_HDF5_LIBRARY_H
#define VIT_CONVERT_HDF5_LIBRARY_H

// Newer headers keep the interface of 1.10 under its names.
#define H5_USE_110_API
#if __has_include(<hdf5.h>)
#include <hdf5.h>
#if __has_include(<H5FDdevelop.h>)
#include <H5FDdevelop.h>
#endif
#elif __has_include(<hdf5/serial/hdf5.h>)
#include <hdf5/serial/hdf5.h>
#if __has_include(<hdf5/serial/H5FDdevelop.h>)
#include <hdf5/serial/H5FDdevelop.h>
#endif
#elif __has_include("/opt/homebrew/include/hdf5.h")
#include "/opt/homebrew/include/hdf5.h"
#if __has_include("/opt/homebrew/include/H5FDdevelop.h")
#include "/opt/homebrew/include/H5FDdevelop.h"
#endif
#elif __has_include("/usr/local/include/hdf5.h")
#include "/usr/local/include/hdf5.h"
#if __has_include("/usr/local/include/H5FDdevelop.h")
#include "/usr/local/include/H5FDdevelop.h"
#endif
#else
#error "HDF5's headers are missing: install libhdf5-dev (Debian, Ubuntu) or hdf5 (Homebrew)"
#endif

#include "CHDF5.h"

#define HDF5_FUNCTIONS(X) \
    X(get_libversion, H5get_libversion) X(dont_atexit, H5dont_atexit) X(open, H5open) \
    X(eset_auto, H5Eset_auto2) X(ewalk, H5Ewalk2) \
    X(fdregister, H5FDregister) X(pset_driver, H5Pset_driver) X(pget_driver_info, H5Pget_driver_info) \
    X(pcreate, H5Pcreate) X(pclose, H5Pclose) X(pset_libver_bounds, H5Pset_libver_bounds) \
    X(pset_obj_track_times, H5Pset_obj_track_times) X(pget_link_creation_order, H5Pget_link_creation_order) \
    X(fopen, H5Fopen) X(fcreate, H5Fcreate) X(fclose, H5Fclose) \
    X(oopen, H5Oopen) X(oclose, H5Oclose) X(oget_info, H5Oget_info2) \
    X(literate, H5Literate) X(lget_val, H5Lget_val) X(lunpack_elink_val, H5Lunpack_elink_val) \
    X(gget_create_plist, H5Gget_create_plist) X(gcreate, H5Gcreate2) \
    X(aexists, H5Aexists) X(aopen, H5Aopen) X(aclose, H5Aclose) X(aread, H5Aread) X(awrite, H5Awrite) \
    X(acreate, H5Acreate2) X(aget_type, H5Aget_type) X(aget_space, H5Aget_space) \
    X(dcreate, H5Dcreate2) X(dget_space, H5Dget_space) X(dget_type, H5Dget_type) X(dread, H5Dread) \
    X(dget_create_plist, H5Dget_create_plist) X(dget_offset, H5Dget_offset) \
    X(dget_storage_size, H5Dget_storage_size) X(dvlen_reclaim, H5Dvlen_reclaim) \
    X(pget_layout, H5Pget_layout) X(pget_chunk, H5Pget_chunk) X(pget_nfilters, H5Pget_nfilters) \
    X(pget_filter, H5Pget_filter2) X(zfilter_avail, H5Zfilter_avail) \
    X(pget_external_count, H5Pget_external_count) X(pget_virtual_count, H5Pget_virtual_count) \
    X(pget_virtual_filename, H5Pget_virtual_filename) X(pget_fill_value, H5Pget_fill_value) \
    X(pfill_value_defined, H5Pfill_value_defined) \
    X(pset_layout, H5Pset_layout) X(pset_alloc_time, H5Pset_alloc_time) X(pset_fill_time, H5Pset_fill_time) \
    X(screate, H5Screate) X(screate_simple, H5Screate_simple) X(sclose, H5Sclose) \
    X(sselect_hyperslab, H5Sselect_hyperslab) \
    X(sget_simple_extent_type, H5Sget_simple_extent_type) \
    X(sget_simple_extent_ndims, H5Sget_simple_extent_ndims) \
    X(sget_simple_extent_dims, H5Sget_simple_extent_dims) \
    X(sget_simple_extent_npoints, H5Sget_simple_extent_npoints) \
    X(tclose, H5Tclose) X(tget_class, H5Tget_class) X(tget_size, H5Tget_size) X(tget_order, H5Tget_order) \
    X(tget_sign, H5Tget_sign) X(tget_precision, H5Tget_precision) X(tget_offset, H5Tget_offset) \
    X(tget_fields, H5Tget_fields) X(tget_ebias, H5Tget_ebias) X(tget_norm, H5Tget_norm) \
    X(tget_nmembers, H5Tget_nmembers) X(tget_member_name, H5Tget_member_name) \
    X(tget_member_type, H5Tget_member_type) X(tget_member_offset, H5Tget_member_offset) \
    X(tget_super, H5Tget_super) X(tget_tag, H5Tget_tag) X(tget_array_ndims, H5Tget_array_ndims) \
    X(tget_array_dims, H5Tget_array_dims2) X(tis_variable_str, H5Tis_variable_str) \
    X(tcreate, H5Tcreate) X(tcopy, H5Tcopy) X(tset_size, H5Tset_size) X(tset_cset, H5Tset_cset) \
    X(tset_strpad, H5Tset_strpad) X(tset_fields, H5Tset_fields) X(tset_ebias, H5Tset_ebias) \
    X(tset_tag, H5Tset_tag) X(tinsert, H5Tinsert) X(tenum_create, H5Tenum_create) \
    X(tenum_insert, H5Tenum_insert) X(free_memory, H5free_memory)

// Ids that the library keeps in variables once it is initialised.
#define HDF5_VARIABLES(X) \
    X(file_access, H5P_CLS_FILE_ACCESS_ID_g) X(group_creation, H5P_CLS_GROUP_CREATE_ID_g) \
    X(file_creation, H5P_CLS_FILE_CREATE_ID_g) X(dataset_creation, H5P_CLS_DATASET_CREATE_ID_g) \
    X(text, H5T_C_S1_g) \
    X(i8, H5T_STD_I8LE_g) X(i16, H5T_STD_I16LE_g) X(i32, H5T_STD_I32LE_g) X(i64, H5T_STD_I64LE_g) \
    X(u8, H5T_STD_U8LE_g) X(u16, H5T_STD_U16LE_g) X(u32, H5T_STD_U32LE_g) X(u64, H5T_STD_U64LE_g) \
    X(f32, H5T_IEEE_F32LE_g) X(f64, H5T_IEEE_F64LE_g)

struct hdf5_library {
#define FUNCTION(field, symbol) __typeof__(symbol) *field;
    HDF5_FUNCTIONS(FUNCTION)
#undef FUNCTION
#define VARIABLE(field, symbol) hid_t field;
    HDF5_VARIABLES(VARIABLE)
#undef VARIABLE
};

extern struct hdf5_library hdf5;

/// Tells of a failure that is not the library's.
void hdf5_fail(const char *reason);

/// The driver that reads and writes through hdf5_bytes, registered with the library.
const H5FD_class_t *hdf5_driver_class(void);
extern hid_t hdf5_driver;
/// What the driver knows a file by.
#define HDF5_FILE_NAME "checkpoint"

#endif
