import CHDF5
import TensorCore

/// A walk over the groups of a file.
struct HDF5Listing {
    private let session: HDF5Session
    private var contents = CheckpointContents()
    /// The first path of each group, by its address.
    private var groups: [UInt64: String] = [:]
    /// The names of Keras 3's layers, by the path of the layer.
    private var layers: [String: String] = [:]

    /// What no checkpoint needs, and a hostile file could multiply by its size.
    private static let deepest = 128
    private static let longestPath = 4096

    init(of session: HDF5Session) {
        self.session = session
    }

    mutating func visitRoot() throws {
        try visit(groupAt: .root, address: try session.object(.root).object.address, depth: 0)
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
            contents.others.append(
                OtherEntry(path.name, type: "group", value: "the group /\(first) under another name"))
            return
        }
        groups[address] = path.name
        let isLayer = path.name == "vars" || path.name.hasSuffix("/vars")
        let attributes =
            KerasAttributes.lists.flatMap { [$0, $0 + "0"] } + (isLayer ? ["name"] : [])
            + (depth == 0 ? KerasAttributes.texts : [])
        let (links, texts) = try session.group(path, attributes: attributes)
        if depth == 0 {
            for key in KerasAttributes.texts {
                if let text = texts[key]?.first { contents.metadata.append((key, text)) }
            }
        }
        let start = contents.tensors.count
        for link in links { try visit(link, in: path, depth: depth) }
        for list in KerasAttributes.lists {
            let names = try names(list, of: path, texts)
            guard !names.isEmpty else { continue }
            KerasAttributes.sort(&contents.tensors[start...], by: names, below: path.name)
        }
        if isLayer, let name = texts["name"]?.first {
            layers[String(path.name.dropLast("/vars".count))] = name
        }
    }

    /// The texts of an attribute that Keras splits when it is long: `NAME`, or `NAME0`, `NAME1` …
    private func names(
        _ attribute: String, of group: HDF5Path, _ texts: [String: [String]]
    ) throws -> [String] {
        if let all = texts[attribute], !all.isEmpty { return all }
        var all: [String] = []
        var more = texts[attribute + "0"] ?? []
        var part = 0
        while !more.isEmpty {
            all += more
            part += 1
            more = try session.texts("\(attribute)\(part)", of: group)
        }
        return all
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
            let (object, description) = try session.object(path)
            switch object.kind {
            case HDF5_GROUP: try visit(groupAt: path, address: object.address, depth: depth + 1)
            case HDF5_DATASET:
                switch try HDF5Dataset(description, at: path, of: session).contents() {
                case .tensor(let view): contents.tensors.append(NamedTensor(path.name, view))
                case .other(let value):
                    contents.others.append(OtherEntry(path.name, type: "dataset", value: value))
                }
            case HDF5_NAMED_TYPE: contents.others.append(OtherEntry(path.name, type: "named type"))
            default: contents.others.append(OtherEntry(path.name, type: "object"))
            }
        } catch {
            throw CheckpointError(error, part: path.name)
        }
    }
}
