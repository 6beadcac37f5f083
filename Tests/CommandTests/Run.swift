import Foundation
import TensorCore
import TestSupport

/// The command as it was built beside these tests, run to its end.
struct Run {
    let status: Int32
    let output: Data
    let error: String

    var text: String { String(decoding: output, as: UTF8.self) }

    /// - Parameters:
    ///   - input: what comes through a pipe to standard input; nothing when nil.
    ///   - folder: the working directory; that of the fixtures by default.
    init(
        _ words: [String], input: Data? = nil, in folder: String = Fixtures.folder,
        environment: [String: String] = [:]
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.executable)
        process.arguments = words
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (output, error, source) = (Pipe(), Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        process.standardInput = input == nil ? FileHandle.nullDevice : source
        try process.run()
        let group = DispatchGroup()
        nonisolated(unsafe) var errors = Data()
        DispatchQueue.global().async(group: group) {
            errors = error.fileHandleForReading.readDataToEndOfFile()
        }
        if let input {
            let thread = Thread {
                // The command may end without reading: that is its business, and no signal to this process.
                var pipeSignal = sigset_t()
                sigemptyset(&pipeSignal)
                sigaddset(&pipeSignal, SIGPIPE)
                pthread_sigmask(SIG_BLOCK, &pipeSignal, nil)
                try? source.fileHandleForWriting.write(contentsOf: input)
                try? source.fileHandleForWriting.close()
            }
            thread.start()
        }
        self.output = output.fileHandleForReading.readDataToEndOfFile()
        group.wait()
        process.waitUntilExit()
        self.error = String(decoding: errors, as: UTF8.self)
        status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }

    static let executable: String = {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let products = ((link ?? CommandLine.arguments[0]) as NSString).deletingLastPathComponent
        return products + "/vit-convert"
    }()

    /// What was printed as JSON.
    func json() throws -> JSONValue { try JSONParser.parse(Array(output)) }
}
