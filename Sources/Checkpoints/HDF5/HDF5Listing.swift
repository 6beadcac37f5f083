import CHDF5
import TensorCore

/// A walk over the groups of a file, within ``HDF5Library/use(_:)``.
struct HDF5Listing {
    private let file: HDF5File
    private var contents = CheckpointContents()
    /// The first path of each group, by its address.
    private var groups: [UInt64: String] = [:]
    /// The names of Keras 3's layers, by the path of the layer.
    private var layers: [String: String] = [:]

    /// What no checkpoint needs, and a hostile file could multiply by its size.
    private static let deepest = 128
    private static let longestPath = 4096

    init(of file: HDF5File) {
        self.file = file
    }

    mutating func visitRoot() throws {
        try file.withObject(.root) { root in
            try addMetadata(of: root)
            try visit(group: root, at: .root, depth: 0)
        }
    }

    func finished() -> CheckpointContents {
        var contents = contents
        if !layers.isEmpty {
            for tensor in contents.tensors {
                if let name = KerasAttributes.layerName(of: tensor.name, among: layers) {
                    contents.layerNames[tensor.name] = name
                }
            }
        }
        return contents
    }

    private mutating func addMetadata(of root: hdf5_id) throws {
        for key in KerasAttributes.texts {
            if let text = try file.texts(key, of: root).first { contents.metadata.append((key, text)) }
        }
    }

    private mutating func visit(group: hdf5_id, at path: HDF5Path, depth: Int) throws {
        guard depth <= Self.deepest, path.bytes.count <= Self.longestPath else {
            throw CheckpointError(
                .unsupported,
                "groups nested more than \(Self.deepest) deep or with a path of more than "
                    + "\(Self.longestPath) bytes", part: String(path.name.prefix(80)))
        }
        var kind = HDF5_GROUP
        var address: UInt64 = 0
        try file.check(hdf5_object(group, &kind, &address))
        if let first = groups[address] {
            contents.others.append(
                OtherEntry(path.name, type: "group", value: "the group /\(first) under another name"))
            return
        }
        groups[address] = path.name
        let start = contents.tensors.count
        for link in try file.links(of: group) { try visit(link, in: path, depth: depth) }
        for list in ["weight_names", "layer_names"] {
            let names = try file.list(list, of: group)
            guard !names.isEmpty else { continue }
            KerasAttributes.sort(&contents.tensors[start...], by: names, below: path.name)
        }
        if path.name == "vars" || path.name.hasSuffix("/vars"),
            let name = try file.texts("name", of: group).first
        {
            layers[String(path.name.dropLast("/vars".count))] = name
        }
    }

    private mutating func visit(_ link: HDF5Link, in group: HDF5Path, depth: Int) throws {
        let path = group.appending(link.name)
        switch link.target {
        case .object: break
        case .soft(let target):
            contents.others.append(OtherEntry(path.name, type: "soft link", value: target))
            return
        case .external(let file, let target):
            contents.others.append(
                OtherEntry(
                    path.name, type: "external link",
                    value: "\(target) in \(file), which is not opened"))
            return
        case .unknown:
            contents.others.append(OtherEntry(path.name, type: "link", value: "of a kind that is not known"))
            return
        }
        do {
            try file.withObject(path) { object in
                var kind = HDF5_GROUP
                var address: UInt64 = 0
                try file.check(hdf5_object(object, &kind, &address))
                switch kind {
                case HDF5_GROUP: try visit(group: object, at: path, depth: depth + 1)
                case HDF5_DATASET:
                    switch try HDF5Dataset(object, at: path, of: file).contents() {
                    case .tensor(let view): contents.tensors.append(NamedTensor(path.name, view))
                    case .other(let value):
                        contents.others.append(OtherEntry(path.name, type: "dataset", value: value))
                    }
                case HDF5_NAMED_TYPE: contents.others.append(OtherEntry(path.name, type: "named type"))
                default: contents.others.append(OtherEntry(path.name, type: "object"))
                }
            }
        } catch {
            throw CheckpointError(error, part: path.name)
        }
    }
}

/// An entry of a group.
struct HDF5Link {
    enum Target {
        /// An object of this file.
        case object
        case soft(String)
        case external(file: String, path: String)
        case unknown
    }

    let name: [CChar]
    let target: Target
}

extension HDF5File {
    /// The entries of a group, in the order that the file keeps.
    func links(of group: hdf5_id) throws -> [HDF5Link] {
        final class List { var links: [HDF5Link] = [] }
        let list = List()
        let isDone = hdf5_links(group, Unmanaged.passUnretained(list).toOpaque()) {
            context, name, kind, target, file in
            guard let context, let name else { return }
            let text = target.map { String(cString: $0) } ?? ""
            let aim: HDF5Link.Target =
                switch kind {
                case HDF5_HARD_LINK: .object
                case HDF5_SOFT_LINK: .soft(text)
                case HDF5_EXTERNAL_LINK: .external(file: file.map { String(cString: $0) } ?? "", path: text)
                default: .unknown
                }
            Unmanaged<List>.fromOpaque(context).takeUnretainedValue().links.append(
                HDF5Link(name: Array(UnsafeBufferPointer(start: name, count: strlen(name))), target: aim))
        }
        try withExtendedLifetime(list) { try check(isDone) }
        return list.links
    }

    /// The texts of an attribute; none when it is not there or is no text.
    func texts(_ attribute: String, of object: hdf5_id) throws -> [String] {
        final class List { var texts: [String] = [] }
        let list = List()
        let count = hdf5_texts(
            object, attribute, UInt64(region.count), Unmanaged.passUnretained(list).toOpaque()
        ) { context, bytes, count in
            guard let context else { return }
            let text = UnsafeRawBufferPointer(start: bytes, count: count)
            Unmanaged<List>.fromOpaque(context).takeUnretainedValue().texts.append(
                String(decoding: text, as: UTF8.self))
        }
        try withExtendedLifetime(list) { try check(count >= 0) }
        return list.texts
    }

    /// The texts of an attribute that Keras splits when it is long: `NAME`, or `NAME0`, `NAME1` …
    func list(_ attribute: String, of object: hdf5_id) throws -> [String] {
        var all = try texts(attribute, of: object)
        guard all.isEmpty else { return all }
        var part = 0
        while true {
            let more = try texts("\(attribute)\(part)", of: object)
            if more.isEmpty { return all }
            all += more
            part += 1
        }
    }
}
