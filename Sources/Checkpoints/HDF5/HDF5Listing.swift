import CHDF5
import TensorCore

/// A walk over the groups of a file.
struct HDF5Listing {
    private let source: any HDF5Source
    private var contents = CheckpointContents()
    /// The first path of each group, by its address.
    private var groups: [UInt64: String] = [:]
    /// The names of Keras 3's layers, by the path of the layer.
    private var layers: [String: String] = [:]

    /// What no checkpoint needs, and a hostile file could multiply by its size.
    private static let deepest = 128
    private static let longestPath = 4096

    init(of source: any HDF5Source) {
        self.source = source
    }

    mutating func visitRoot() throws {
        try visit(groupAt: .root, address: try source.object(.root, address: nil).address, depth: 0)
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

    private mutating func visit(groupAt path: HDF5Path, address: UInt64, depth: Int) throws {
        guard depth <= Self.deepest, path.bytes.count <= Self.longestPath else {
            throw CheckpointError(
                .unsupported,
                "groups nested more than \(Self.deepest) deep or with a path of more than "
                    + "\(Self.longestPath) bytes", part: String(path.name.prefix(80)))
        }
        if let first = groups[address] {
            try contents.add(
                OtherEntry(path.name, type: "group", value: "the group /\(first) under another name"))
            return
        }
        groups[address] = path.name
        let isLayer = path.name == "vars" || path.name.hasSuffix("/vars")
        let attributes =
            KerasAttributes.listsAndFirstParts + (isLayer ? ["name"] : [])
            + (depth == 0 ? KerasAttributes.texts : [])
        let (links, texts) = try source.group(path, address: address, attributes: attributes)
        if depth == 0 {
            for key in KerasAttributes.texts {
                if let text = texts[key]?.first { contents.metadata.append((key, text)) }
            }
        }
        let lists =
            texts.isEmpty
            ? [] : try KerasAttributes.lists.map { try names($0, of: path, address: address, texts) }
        let start = contents.tensors.count
        for link in links { try visit(link, in: path, depth: depth) }
        for names in lists where !names.isEmpty {
            KerasAttributes.sort(&contents.tensors[start...], by: names, below: path.name)
        }
        if isLayer, let name = texts["name"]?.first {
            layers[String(path.name.dropLast("/vars".count))] = name
        }
    }

    /// The texts of an attribute that Keras splits when it is long: `NAME`, or `NAME0`, `NAME1` …
    private func names(
        _ attribute: String, of group: HDF5Path, address: UInt64, _ texts: [String: [String]]
    ) throws -> [String] {
        if let all = texts[attribute], !all.isEmpty { return all }
        var all: [String] = []
        var more = texts[attribute + "0"] ?? []
        var part = 0
        while !more.isEmpty {
            all += more
            part += 1
            more = try source.texts("\(attribute)\(part)", of: group, address: address)
        }
        return all
    }

    private mutating func visit(_ link: HDF5Link, in group: HDF5Path, depth: Int) throws {
        let path = group.appending(link.name)
        let address: UInt64?
        switch link.target {
        case .object(let place): address = place
        case .soft(let target):
            try contents.add(OtherEntry(path.name, type: "soft link", value: target))
            return
        case .external(let file, let target):
            try contents.add(
                OtherEntry(
                    path.name, type: "external link",
                    value: "\(target) in \(file), which is not opened"))
            return
        case .unknown:
            try contents.add(OtherEntry(path.name, type: "link", value: "of a kind that is not known"))
            return
        }
        do {
            let object = try source.object(path, address: address)
            if let dataset = object.dataset {
                try append(HDF5Dataset(dataset, at: path, of: source.session).contents(), at: path)
                return
            }
            switch object.kind {
            case HDF5_GROUP: try visit(groupAt: path, address: object.address, depth: depth + 1)
            case HDF5_NAMED_TYPE: try contents.add(OtherEntry(path.name, type: "named type"))
            default: try contents.add(OtherEntry(path.name, type: "object"))
            }
        } catch {
            if source.isForgiven(path) { return }
            throw CheckpointError(error, part: path.name)
        }
    }

    private mutating func append(_ dataset: HDF5Dataset.Contents, at path: HDF5Path) throws {
        switch dataset {
        case .tensor(let view): try contents.add(NamedTensor(path.name, view))
        case .other(let value): try contents.add(OtherEntry(path.name, type: "dataset", value: value))
        }
    }
}
