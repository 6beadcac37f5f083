import TensorCore
import TestSupport

/// One reader under test: it takes any bytes, and returns or throws.
struct FuzzTarget: Sendable {
    let name: String
    /// The longest input, in bytes: short ones are tried more often.
    let longest: Int
    /// How many inputs take about five seconds.
    let executions: Int
    /// The fixtures to begin from.
    let fixtures: @Sendable () -> [String]
    /// What of a fixture the target takes.
    var parts: @Sendable (_ fixture: [UInt8]) -> [[UInt8]] = { [$0] }
    /// What is to be set up once.
    var prepare: @Sendable () -> Void = {}
    /// Reads the bytes; false when they are no input of this target's.
    let isOfUse: @Sendable (_ bytes: [UInt8]) -> Bool

    static let all = containers + [pickle, index, rules, configuration]

    /// Writes the fixtures that are short enough.
    ///
    /// - Returns: how many.
    func writeSeeds(to folder: String) throws -> Int {
        var seen: Set<[UInt8]> = []
        for fixture in fixtures() {
            for part in parts(try Fixtures.bytes(fixture))
            where part.count <= longest && seen.insert(part).inserted {
                let path = "\(folder)/\(seen.count)"
                let file = fopen(path, "w")
                guard let file, fwrite(part, 1, part.count, file) == part.count, fclose(file) == 0 else {
                    throw ByteError(.system(errno), offset: 0)
                }
            }
        }
        return seen.count
    }

    /// The files in folders of the fixtures that have one of these endings.
    static func files(in folders: [String], _ endings: [String]) -> [String] {
        folders.flatMap { Fixtures.list($0) }.filter { file in
            endings.contains { file.hasSuffix($0) } && !file.hasSuffix(".golden.json")
        }
    }
}
