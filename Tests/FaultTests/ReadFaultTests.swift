import Foundation
import TensorCore
import TestSupport
import Testing

/// Every read of an input fails once: what could not be read is told as that, never taken for what the file says.
@Suite(.enabled(if: Trial.shim != nil && Trial.isCleanedUp, "the library of faults cannot be loaded"))
struct ReadFaultTests {
    static let files = [
        "models/plain.pth", "torch/aliasing_legacy.pth", "torch/old_tar.pth.tar",
        "torch/torchscript_traced.pt", "numpy/dtypes.npz", "hdf5/keras_3.keras", "hdf5/keras_legacy.h5",
        "hdf5/filters.h5", "msgpack/chunked.msgpack", "safetensors/dtypes.safetensors",
        "security/vit_command.pth", "security/objects.npz",
    ]

    @Test(arguments: files) func aReadThatFailsIsTold(_ name: String) throws {
        let trial = try Trial()
        for options in [[], ["--security"], ["--statistics", "--digest"]] {
            let words = ["inspect", Fixtures.path(name)] + options
            func inspect(_ fault: Trial.Fault) throws -> Trial.Ending {
                try Trial.run(Trial.executable, words, trial.variables(fault))
            }
            let whole = try inspect(.init(call: "pread"))
            #expect(whole.status < 2 && trial.count > 0, "\(whole.output)")
            for place in FaultSweepTests.places(trial.count) {
                let fault = Trial.Fault(call: "pread", at: place, does: "\(EIO)")
                let ending = try inspect(fault)
                #expect(ending.status == 2 && !ending.isSignal, "\(options), \(fault): \(ending.output)")
                #expect(ending.output.contains(Fixtures.path(name)), "\(ending.output)")
                #expect(ending.output.contains(String(cString: strerror(EIO))), "\(ending.output)")
            }
        }
    }
}
