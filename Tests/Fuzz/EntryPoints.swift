import TensorCore
import TestSupport

// Set once, before there are other threads.
nonisolated(unsafe) private var target: FuzzTarget?

/// What libFuzzer calls before all: `FUZZ_TARGET` names the target, and `FUZZ_SEEDS` a folder for its seeds, if these
/// are what is wanted.
///
/// Source: https://llvm.org/docs/LibFuzzer.html.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer) -> CInt {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let found = FuzzTarget.all.first(where: { $0.name == name }) else {
        // The script asks for the list so.
        for target in FuzzTarget.all { print(target.name, target.longest, target.executions) }
        exit(name.isEmpty ? 0 : 64)
    }
    if let folder = getenv("FUZZ_SEEDS").map({ String(cString: $0) }) {
        do {
            print("\(try found.writeSeeds(to: folder)) seeds")
            exit(0)
        } catch {
            print("\(error)")
            exit(1)
        }
    }
    found.prepare()
    target = found
    return 0
}

/// What libFuzzer calls with each input.
///
/// - Returns: 0, or -1 for an input that is of no use to begin others from.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let target else { return -1 }
    return target.isOfUse([UInt8](UnsafeBufferPointer(start: bytes, count: count))) ? 0 : -1
}
