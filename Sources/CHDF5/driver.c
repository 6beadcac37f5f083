#include "reading.h"

#include <stdlib.h>
#include <string.h>

// A virtual file driver (H5FD) over the caller's bytes.
struct file {
    H5FD_t base;
    const hdf5_bytes *bytes;
    haddr_t allocated, end;
};

// The library asks for other files by their names (external links, virtual datasets): there are none.
static H5FD_t *open_file(const char *name, unsigned flags, hid_t access, haddr_t largest) {
    (void)largest;
    const hdf5_bytes *const *bytes = hdf5.pget_driver_info(access);
    if (!bytes || strcmp(name, HDF5_FILE_NAME) != 0) return NULL;
    // Creating begins with an attempt to open what might be there.
    if ((*bytes)->write && !(flags & 0x10u /* H5F_ACC_CREAT */)) return NULL;
    struct file *file = calloc(1, sizeof *file);
    if (!file) return NULL;
    file->bytes = *bytes;
    file->end = (*bytes)->write ? 0 : (*bytes)->size;
    return &file->base;
}

static herr_t close_file(H5FD_t *file) {
    free(file);
    return 0;
}

static int compare(const H5FD_t *first, const H5FD_t *second) {
    const hdf5_bytes *a = ((const struct file *)first)->bytes, *b = ((const struct file *)second)->bytes;
    return (a > b) - (a < b);
}

static herr_t query(const H5FD_t *file, unsigned long *flags) {
    (void)file;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE
        | H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

static haddr_t get_allocated(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const struct file *)file)->allocated;
}

static herr_t set_allocated(H5FD_t *file, H5FD_mem_t type, haddr_t allocated) {
    (void)type;
    ((struct file *)file)->allocated = allocated;
    return 0;
}

static haddr_t get_end(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const struct file *)file)->end;
}

static herr_t read_bytes(H5FD_t *base, H5FD_mem_t type, hid_t access, haddr_t offset, size_t count, void *buffer) {
    (void)type, (void)access;
    struct file *file = (struct file *)base;
    return file->bytes->read(file->bytes->context, offset, buffer, count) ? 0 : -1;
}

static herr_t write_bytes(
    H5FD_t *base, H5FD_mem_t type, hid_t access, haddr_t offset, size_t count, const void *buffer) {
    (void)type, (void)access;
    struct file *file = (struct file *)base;
    if (!file->bytes->write || !file->bytes->write(file->bytes->context, offset, buffer, count)) return -1;
    if (offset + count > file->end) file->end = offset + count;
    return 0;
}

// The file ends where allocated space ends, which may be after the last byte that the library wrote.
static herr_t truncate_file(H5FD_t *base, hid_t access, hbool_t closing) {
    (void)access, (void)closing;
    struct file *file = (struct file *)base;
    if (!file->bytes->write || file->end == file->allocated) return 0;
    if (!file->bytes->resize(file->bytes->context, file->allocated)) return -1;
    file->end = file->allocated;
    return 0;
}

const H5FD_class_t *hdf5_driver_class(void) {
    static const H5FD_class_t driver = {
#if defined(H5FD_CLASS_VERSION)
        .version = H5FD_CLASS_VERSION,
        // The range from 512 on is for drivers of one program's own.
        .value = 579,
#endif
        .name = "vit-convert",
        .maxaddr = INT64_MAX,
        .fc_degree = H5F_CLOSE_STRONG,
        .fapl_size = sizeof(const hdf5_bytes *),
        .open = open_file,
        .close = close_file,
        .cmp = compare,
        .query = query,
        .get_eoa = get_allocated,
        .set_eoa = set_allocated,
        .get_eof = get_end,
        .read = read_bytes,
        .write = write_bytes,
        .truncate = truncate_file,
        .fl_map = H5FD_FLMAP_DICHOTOMY,
    };
    return &driver;
}

static hid_t file_access(const hdf5_bytes *bytes) {
    hid_t access = hdf5.pcreate(hdf5.file_access);
    if (access < 0) return access;
    bool is_set = hdf5.pset_driver(access, hdf5_driver, &bytes) >= 0;
    if (bytes->write) is_set = is_set && hdf5.pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0;
    if (is_set) return access;
    hdf5.pclose(access);
    return -1;
}

// H5F_ACC_RDONLY and its like check the library's exact release, and end the process if it differs.
enum { READ_ONLY = 0, TRUNCATE = 2 };

hid_t hdf5_open(const hdf5_bytes *bytes) {
    hid_t access = file_access(bytes);
    if (access < 0) return -1;
    hid_t file = hdf5.fopen(HDF5_FILE_NAME, READ_ONLY, access);
    hdf5.pclose(access);
    return file;
}

hdf5_id hdf5_create(const hdf5_bytes *bytes) {
    hid_t access = file_access(bytes), creation = hdf5.pcreate(hdf5.file_creation), file = -1;
    if (access >= 0 && creation >= 0 && hdf5.pset_obj_track_times(creation, 0) >= 0) {
        file = hdf5.fcreate(HDF5_FILE_NAME, TRUNCATE, creation, access);
    }
    if (creation >= 0) hdf5.pclose(creation);
    if (access >= 0) hdf5.pclose(access);
    return file;
}

bool hdf5_close(hdf5_id file) { return hdf5.fclose(file) >= 0; }
