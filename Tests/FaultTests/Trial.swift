import Foundation
import TensorCore
import TestSupport
import Testing

/// The command as it was built beside these tests, run in a folder of its own with a fault.
struct Trial {
    /// A fault of the library that stands between the command and the system; see `shim.c`.
    struct Fault: CustomStringConvertible {
        var call = ""
        var at = 0
        var does = ""

        var description: String { "\(call) \(at): \(does)" }
    }

    struct Ending {
        let status: Int32
        /// Whether the status is a signal's number.
        let isSignal: Bool
        let output: String
    }

    let folder: TemporaryFolder
    private(set) var input: String
    let isNamed: Bool

    /// - Parameter isNamed: whether the file system seems to know no files without names.
    init(isNamed: Bool = false) throws {
        folder = try TemporaryFolder()
        self.isNamed = isNamed
        input = try folder.file("in.pth", try Fixtures.bytes("models/plain.pth"))
        mkdir(folder.path + "out", 0o777)
    }

    /// Takes an input whose tensors stand at the same places within a page as they will in `output`, so that the kernel
    /// copies them.
    mutating func alignInput(with output: String) throws {
        let path = folder.path + "in.safetensors"
        _ = try Self.run(Self.executable, [input, path, "--heads", "3"], [:])
        input = path
        try convert(to: output)
        var bytes = try ByteRegion(try OpenFile(path: path)).array()
        let length = try Self.headerLength(bytes)
        let written = try Self.headerLength(try ByteRegion(try OpenFile(path: outputs + output)).array())
        let page = 4096
        let padding = ((written - length) % page + page) % page
        bytes.insert(contentsOf: [UInt8](repeating: UInt8(ascii: " "), count: padding), at: 8 + length)
        withUnsafeBytes(of: UInt64(length + padding).littleEndian) { bytes.replaceSubrange(0..<8, with: $0) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try restore([:])
    }

    private static func headerLength(_ safetensors: [UInt8]) throws -> Int {
        Int(try safetensors.withUnsafeBytes { try #require($0.count > 8 ? $0.load(as: UInt64.self) : nil) })
    }

    /// Where outputs go: nothing else is written there.
    var outputs: String { folder.path + "out/" }

    private static let products: String = {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return ((link ?? CommandLine.arguments[0]) as NSString).deletingLastPathComponent
    }()

    static let executable = products + "/vit-convert"

    /// The library of faults; nil where there is no compiler for it, or no such way to load it: with ThreadSanitizer
    /// another one is loaded in this way.
    static let shim: String? = {
        #if os(Linux)
            if Sanitizer.isThread { return nil }
            let source = (#filePath as NSString).deletingLastPathComponent + "/shim.c"
            let library = products + "/faults-\(getpid()).so"
            let words = ["clang", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", source, "-o", library]
            guard let built = try? run("/usr/bin/env", words, [:]), built.status == 0 else { return nil }
            return library
        #else
            return nil
        #endif
    }()

    /// Takes away what was compiled, with the process.
    static let isCleanedUp: Bool = atexit { if let shim = Trial.shim { unlink(shim) } } == 0

    static func run(_ path: String, _ words: [String], _ variables: [String: String]) throws -> Ending {
        let process = try start(path, words, variables)
        return finish(process)
    }

    static func start(
        _ path: String, _ words: [String], _ variables: [String: String]
    ) throws -> (process: Process, pipe: Pipe) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = words
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        return (process, pipe)
    }

    static func finish(_ running: (process: Process, pipe: Pipe)) -> Ending {
        let data = running.pipe.fileHandleForReading.readDataToEndOfFile()
        running.process.waitUntilExit()
        return Ending(
            status: running.process.terminationStatus,
            isSignal: running.process.terminationReason == .uncaughtSignal,
            output: String(decoding: data, as: UTF8.self))
    }

    func variables(_ fault: Fault) -> [String: String] {
        guard let shim = Self.shim else { return [:] }
        var variables = [
            "LD_PRELOAD": shim, "FAULT_CALL": fault.call, "FAULT_AT": "\(fault.at)", "FAULT_DOES": fault.does,
            "FAULT_FILE": input, "FAULT_COUNT": folder.path + "count",
        ]
        if isNamed { variables["FAULT_NAMED"] = "1" }
        return variables
    }

    func words(_ output: String, _ options: [String] = []) -> [String] {
        [input, outputs + output, "--heads", "3"] + options
    }

    @discardableResult
    func convert(to output: String, _ options: [String] = [], _ fault: Fault = Fault()) throws -> Ending {
        try Self.run(Self.executable, words(output, options), variables(fault))
    }

    /// How many such calls the last run made.
    var count: Int {
        let bytes = try? OpenFile(path: folder.path + "count")
        return bytes.flatMap { try? ByteRegion($0).array() }.flatMap {
            Int(String(decoding: $0, as: UTF8.self))
        } ?? 0
    }

    /// Every file and folder among the outputs, with what is in it.
    func state() -> [String: Data] {
        var state: [String: Data] = [:]
        let names = FileManager.default.enumerator(atPath: outputs)
        while let name = names?.nextObject() as? String {
            state[name] = FileManager.default.contents(atPath: outputs + name) ?? Data()
        }
        return state
    }

    /// Leaves nothing among the outputs but what is given.
    func restore(_ state: [String: Data]) throws {
        try FileManager.default.removeItem(atPath: outputs)
        mkdir(outputs, 0o777)
        for (name, data) in state.sorted(by: { $0.key < $1.key }) {
            if name.contains("."), !name.hasSuffix("/") {
                try data.write(to: URL(fileURLWithPath: outputs + name))
            } else {
                mkdir(outputs + name, 0o777)
            }
        }
        unlink(folder.path + "count")
    }
}
