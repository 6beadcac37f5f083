import Foundation

/// Python, where it is installed: `PYTHON` names another interpreter than `python3`.
package enum Python {
    /// Runs a script and gives its exit status and all that it printed.
    package static func run(_ script: String, _ arguments: [String] = []) throws -> (
        status: Int32, output: String
    ) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let interpreter = ProcessInfo.processInfo.environment["PYTHON"] ?? "python3"
        process.arguments = [interpreter, "-c", script] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    package static func has(_ modules: String) -> Bool { (try? run("import \(modules)").status) == 0 }
}
