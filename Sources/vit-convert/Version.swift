import ViTToolkit

/// The command's version, and those of the libraries that it has found.
enum Version {
    static let number = LibraryVersions.own

    /// - Parameter isThorough: whether libraries are loaded, to say of each whether it can be used.
    static func text(isThorough: Bool) -> String {
        var rows = [
            ["matrix products", MatrixProduct.providerDescription], ["zlib", LibraryVersions.zlib],
        ]
        if isThorough {
            rows.append(["libhdf5", LibraryVersions.hdf5Problem ?? LibraryVersions.hdf5])
            rows.append(["libcurl", LibraryVersions.curl])
            rows.append(["libturbojpeg", PictureLibraries.jpegProblem ?? "loaded"])
            rows.append(["libpng", PictureLibraries.pngProblem ?? PictureLibraries.pngVersion ?? "loaded"])
        } else {
            rows.append(["libhdf5", "\(LibraryVersions.hdf5), loaded when a file needs it"])
        }
        return "vit-convert \(number)\n" + Text.table(rows)
    }
}
