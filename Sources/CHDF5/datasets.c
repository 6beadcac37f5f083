#include "reading.h"

#include <stdlib.h>
#include <string.h>

// Datasets and their values.

static bool describe_space(hid_t dataset, hdf5_dataset *description) {
    hid_t space = hdf5.dget_space(dataset);
    if (space < 0) return false;
    H5S_class_t kind = hdf5.sget_simple_extent_type(space);
    description->is_null = kind == H5S_NULL;
    int rank = kind == H5S_SIMPLE ? hdf5.sget_simple_extent_ndims(space) : 0;
    hsize_t lengths[HDF5_LARGEST_RANK];
    bool is_known = kind != H5S_NO_CLASS && rank >= 0 && rank <= HDF5_LARGEST_RANK;
    if (is_known && rank > 0) {
        is_known = hdf5.sget_simple_extent_dims(space, lengths, NULL) == rank;
        for (int axis = 0; axis < rank; axis++) description->lengths[axis] = lengths[axis];
        description->rank = (uint32_t)rank;
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
        description->chunk_rows = rank > 0 ? lengths[0] : 0;
        break;
    }
    case H5D_VIRTUAL:
        description->layout = HDF5_VIRTUAL;
        description->is_elsewhere = is_in_other_files(creation);
        break;
    default: description->layout = HDF5_OTHER_LAYOUT; break;
    }
    int filters = hdf5.pget_nfilters(creation);
    description->filters = filters < 0 ? 0 : (uint32_t)filters;
    return filters >= 0;
}

static bool describe(hid_t dataset, hdf5_dataset *description) {
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

// Finding out what chunks take up visits each of them.
static bool is_large(const hdf5_dataset *description, uint64_t size) {
    for (uint32_t axis = 0; axis < description->rank; axis++) {
        if (__builtin_mul_overflow(size, description->lengths[axis], &size)) return true;
    }
    return size > HDF5_UNQUESTIONED;
}

static bool describe_filters(hid_t dataset, uint32_t count, struct reply *reply) {
    if (count == 0) return true;
    hid_t creation = hdf5.dget_create_plist(dataset);
    if (creation < 0) return false;
    bool is_known = true;
    for (uint32_t index = 0; is_known && index < count; index++) {
        hdf5_filter filter = {0};
        unsigned flags = 0, configuration = 0;
        size_t values = 0;
        filter.number = (int32_t)hdf5.pget_filter(
            creation, index, &flags, &values, NULL, sizeof filter.name, filter.name, &configuration);
        is_known = filter.number >= 0;
        filter.is_available = is_known && hdf5.zfilter_avail((H5Z_filter_t)filter.number) > 0;
        hdf5_add(reply, &filter, sizeof filter);
    }
    hdf5.pclose(creation);
    return is_known;
}

bool hdf5_describe_dataset(hid_t dataset, struct reply *reply) {
    hdf5_dataset description;
    if (!describe(dataset, &description)) return false;
    hid_t type = description.is_elsewhere ? -1 : hdf5.dget_type(dataset);
    if (!description.is_elsewhere && type < 0) return false;
    if (type >= 0 && is_large(&description, hdf5.tget_size(type))) {
        description.stored = hdf5.dget_storage_size(dataset);
    }
    hdf5_add(reply, &description, sizeof description);
    if (description.is_elsewhere) return true;
    bool is_known = hdf5_describe_type(type, 0, 0, reply);
    hdf5.tclose(type);
    return is_known && describe_filters(dataset, description.filters, reply);
}

// MARK: Values

bool hdf5_add_fill_value(hid_t dataset, struct reply *reply) {
    hid_t creation = hdf5.dget_create_plist(dataset), type = hdf5.dget_type(dataset);
    H5D_fill_value_t kind = H5D_FILL_VALUE_ERROR;
    bool is_read = creation >= 0 && type >= 0 && hdf5.pfill_value_defined(creation, &kind) >= 0;
    size_t size = is_read ? hdf5.tget_size(type) : 0;
    char *value = is_read ? calloc(1, size ? size : 1) : NULL;
    is_read = value != NULL;
    if (is_read && kind != H5D_FILL_VALUE_UNDEFINED) is_read = hdf5.pget_fill_value(creation, type, value) >= 0;
    if (is_read) hdf5_add(reply, value, size);
    free(value);
    if (type >= 0) hdf5.tclose(type);
    if (creation >= 0) hdf5.pclose(creation);
    return is_read;
}

// Rows of the first axis, from `first` on.
static bool read_rows(
    hid_t dataset, hid_t type, const hdf5_dataset *description, uint64_t first, uint64_t count, void *buffer) {
    if (description->rank == 0) return hdf5.dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer) >= 0;
    hsize_t starts[HDF5_LARGEST_RANK] = {first}, counts[HDF5_LARGEST_RANK];
    for (uint32_t axis = 0; axis < description->rank; axis++) counts[axis] = description->lengths[axis];
    counts[0] = count;
    hid_t space = hdf5.dget_space(dataset), memory = hdf5.screate_simple((int)description->rank, counts, NULL);
    bool is_read = space >= 0 && memory >= 0
        && hdf5.sselect_hyperslab(space, H5S_SELECT_SET, starts, NULL, counts, NULL) >= 0
        && hdf5.dread(dataset, type, memory, space, H5P_DEFAULT, buffer) >= 0;
    if (space >= 0) hdf5.sclose(space);
    if (memory >= 0) hdf5.sclose(memory);
    return is_read;
}

// As many rows as make up a piece of some megabytes, in whole chunks: each is then unpacked once.
static uint64_t rows_at_once(const hdf5_dataset *description, uint64_t rows, uint64_t row_size) {
    const uint64_t piece = 8 << 20;
    uint64_t count = row_size < piece ? piece / row_size : 1, chunk = description->chunk_rows;
    if (chunk > 1) count = count < chunk ? chunk : count - count % chunk;
    return count < rows ? count : rows;
}

static bool read_typed(
    hid_t dataset, hid_t type, void (*prepare)(uint64_t bytes), bool (*each)(const void *bytes, size_t count)) {
    hdf5_dataset description;
    if (!describe(dataset, &description)) return false;
    uint64_t rows = description.rank > 0 ? description.lengths[0] : 1, row_size = hdf5.tget_size(type);
    uint64_t chunk_size, size;
    bool is_possible = !description.is_elsewhere && !description.is_null && row_size > 0
        && !__builtin_mul_overflow(description.chunk_elements, row_size, &chunk_size);
    for (uint32_t axis = 1; axis < description.rank; axis++) {
        is_possible = is_possible && !__builtin_mul_overflow(row_size, description.lengths[axis], &row_size);
    }
    if (!is_possible || row_size == 0 || __builtin_mul_overflow(row_size, rows, &size)) {
        hdf5_fail("values of a size that cannot be");
        return false;
    }
    prepare(size > chunk_size ? size : chunk_size);
    uint64_t most = rows_at_once(&description, rows, row_size);
    char *buffer = malloc(most * row_size);
    if (!buffer) {
        hdf5_fail("not enough memory for the values");
        return false;
    }
    bool is_read = true;
    for (uint64_t first = 0; is_read && first < rows; first += most) {
        uint64_t count = most < rows - first ? most : rows - first;
        is_read = read_rows(dataset, type, &description, first, count, buffer) && each(buffer, count * row_size);
    }
    free(buffer);
    return is_read;
}

bool hdf5_read_values(
    hid_t dataset, void (*prepare)(uint64_t bytes), bool (*each)(const void *bytes, size_t count)) {
    hid_t type = hdf5.dget_type(dataset);
    if (type < 0) return false;
    bool is_read = read_typed(dataset, type, prepare, each);
    hdf5.tclose(type);
    return is_read;
}
