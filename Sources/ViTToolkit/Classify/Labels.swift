import Checkpoints
import Pictures
import TensorCore

/// The names of classes in a file: a line for each, a JSON array, or a JSON object with the classes' numbers as keys
/// (values are names, or lists whose last element is the name, as Keras has them).
///
/// - Throws: `CheckpointError` when the file cannot be read or says something else.
package func readLabels(at path: String) throws -> [String] {
    try ToolkitError.inFile(path) {
        let file: OpenFile
        let bytes: [UInt8]
        do {
            file = try OpenFile(path: path)
            guard file.size <= 64 << 20 else {
                throw CheckpointError(.unsupported, "a list of \(file.size) bytes")
            }
            bytes = try ByteRegion(file).array()
        } catch {
            throw CheckpointError(error, path: path)
        }
        let first = bytes.first { ![0x20, 0x0A, 0x0D, 0x09].contains($0) }
        guard first == UInt8(ascii: "[") || first == UInt8(ascii: "{") else {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw CheckpointError(.damaged, "expected lines of text, found other bytes")
            }
            var lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init)
            while lines.last?.isEmpty ?? false { lines.removeLast() }
            return lines
        }
        let json = try JSONParser.parse(bytes)
        let values: [JSONValue]?
        if let members = json.members {
            let byNumber = Dictionary(
                members.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
            let ordered = (0..<members.count).compactMap { byNumber["\($0)"] }
            values = ordered.count == members.count ? ordered : nil
        } else {
            values = json.array
        }
        let names = values?.compactMap { $0.string ?? $0.array?.last?.string }
        guard let names, names.count == values?.count else {
            throw CheckpointError(.damaged, "expected a name for each class, numbered from 0")
        }
        return names
    }
}

/// Writes a picture as a PNG file that appears whole or not at all.
package func save(_ picture: Picture, to path: String) throws {
    let file = try AtomicFile(replacing: path)
    try file.write(try picture.png())
    try file.commit()
}
