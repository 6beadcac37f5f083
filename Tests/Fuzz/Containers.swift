import TensorCore
import TestSupport

@testable import Checkpoints

/// A target for each container: opens the bytes, reads every tensor as `inspect --digest` does, and looks through
/// them as `inspect --security` does.
extension FuzzTarget {
    static let containers: [FuzzTarget] = [
        container(
            "torch-zip", ["torch", "sweep", "attacks", "security"], [".pth", ".pt"], executions: 2500
        ) { probe in
            probe.starts(with: "PK")
        },
        container("torch-legacy", ["torch", "sweep", "attacks", "security"], [".pth"]) { probe in
            TorchLegacy.matches(probe)
        },
        container(
            "torch-tar", ["torch", "attacks", "security"], [".tar", "tar.pth"], executions: 12_000,
            settled: withTarChecksums
        ) {
            ((try? TorchTar.directory(of: $0.region)) ?? nil) != nil
        },
        container("numpy", ["numpy", "numpy/refused", "sweep", "attacks", "security"], [".npy", ".npz"]) {
            $0.starts(with: "PK") || $0.starts(with: NpyHeader.magic)
        },
        container(
            "safetensors", ["safetensors", "sweep", "attacks", "swt"], [".safetensors", ".swt"],
            executions: 30_000
        ) {
            SafetensorsReader.matches($0)
        },
        container("msgpack", ["msgpack", "attacks"], [".msgpack"], executions: 20_000) {
            MessagePackProbe.matches($0.region)
        },
        hdf5("hdf5", executions: 12_000) { setenv("VIT_CONVERT_HDF5", "/dev/null", 1) },
        hdf5("hdf5-library", executions: 400) {},
    ]

    /// HDF5 twice: what is read without libhdf5, which a name that loads nothing turns off, and all of it. The
    /// library works in a child process for each input, at the cost of a fork.
    private static func hdf5(
        _ name: String, executions: Int, prepare: @escaping @Sendable () -> Void
    ) -> FuzzTarget {
        let folders = ["hdf5", "hdf5/refused", "sweep", "attacks"]
        var target = container(name, folders, [".h5"], executions: executions) {
            (try? HDF5Superblock.offset(in: $0.region)) == 0
        }
        target.prepare = prepare
        return target
    }

    private static func container(
        _ name: String, _ folders: [String], _ endings: [String], executions: Int = 6000,
        settled: @escaping @Sendable ([UInt8]) -> [UInt8] = { $0 },
        matches: @escaping @Sendable (Probe) -> Bool
    ) -> FuzzTarget {
        FuzzTarget(
            name: name, longest: 24 << 10, executions: executions, fixtures: { files(in: folders, endings) },
            parts: { bytes in
                let isMatch = (try? Probe(ByteRegion(bytes))).map(matches) ?? false
                return isMatch ? [bytes] : []
            },
            isOfUse: { bytes in
                let region = ByteRegion(settled(bytes))
                guard let probe = try? Probe(region), matches(probe) else { return false }
                read(region)
                return true
            })
    }

    /// Everything that a command does with a checkpoint's bytes.
    static func read(_ region: ByteRegion) {
        _ = SecurityReport(bytes: region)
        guard let checkpoint = try? Checkpoint(bytes: region, named: "fuzzed") else { return }
        var left = 32 << 20
        for tensor in checkpoint.tensors {
            // Views of one storage may ask for it again and again, which takes its time.
            left -= tensor.view.byteCount
            if left < 0 { break }
            try? tensor.view.forEachChunk(of: 1 << 20) { _ in }
        }
    }

    /// With the checksum of each header set right, which no fuzzer would find.
    @Sendable static func withTarChecksums(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        var start = 0
        while start + TorchTar.blockSize <= bytes.count {
            let header = start..<start + TorchTar.blockSize
            if bytes[header].allSatisfy({ $0 == 0 }) { break }
            bytes.replaceSubrange(start + 148..<start + 156, with: [UInt8](repeating: 0x20, count: 8))
            let sum = bytes[header].reduce(0) { $0 + Int($1) }
            let digits = String(sum, radix: 8)
            let text = String(repeating: "0", count: 6 - min(6, digits.utf8.count)) + digits + "\0 "
            bytes.replaceSubrange(start + 148..<start + 156, with: text.utf8)
            let size = bytes[start + 124..<start + 135].reduce(0) { size, digit in
                digit >= 0x30 && digit < 0x38 ? size << 3 | Int(digit - 0x30) : size
            }
            start += TorchTar.blockSize * (1 + (size + TorchTar.blockSize - 1) / TorchTar.blockSize)
        }
        return bytes
    }
}
