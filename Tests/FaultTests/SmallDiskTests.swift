import Foundation
import TensorCore
import Testing

enum SmallDisk {
    static let unshare = ["unshare", "--mount"] + (geteuid() == 0 ? [] : ["--map-root-user"])

    static let isPermitted: Bool = {
        let words = unshare + ["mount", "-t", "tmpfs", "tmpfs", "/tmp"]
        return (try? Trial.run("/usr/bin/env", words, [:]))?.status == 0
    }()
}

/// Conversions to a file system that is too small for them: a tmpfs in a mount namespace of its own, which goes with
/// its last process.
@Suite(.enabled(if: SmallDisk.isPermitted, "mounting a file system is not permitted here"))
struct SmallDiskTests {
    /// Runs a conversion on a disk of so many kilobytes that holds `old`, and then lists the disk.
    private static let script = """
        mount -t tmpfs -o size=${SIZE}k tmpfs "$OUT" && cp -R "$OLD/." "$OUT" || exit 99
        "$@"; code=$?
        for file in $(cd "$OUT" && find . -type f | sort); do
            cmp "$OUT/$file" "$OLD/$file" && echo "<whole $file>" || echo "<other $file>"
        done
        exit $code
        """

    private func convert(_ trial: Trial, to name: String, on size: Int) throws -> Trial.Ending {
        let options = name.hasSuffix("/") ? ["--to", "huggingface"] : []
        var variables = trial.variables(.init())
        let shim = variables.removeValue(forKey: "LD_PRELOAD") ?? ""
        variables["FAULT_COUNT"] = ""
        variables["SIZE"] = "\(size)"
        variables["OUT"] = trial.outputs
        variables["OLD"] = trial.folder.path + "old"
        let words =
            SmallDisk.unshare + [
                "sh", "-c", Self.script, "sh", "env", "LD_PRELOAD=\(shim)", Trial.executable,
            ]
        return try Trial.run("/usr/bin/env", words + trial.words(name, options), variables)
    }

    @Test(arguments: [
        ("model.swt", false), ("model.npz", false), ("model.pth", false), ("model.h5", false),
        ("model/", false), ("model.swt", true), ("model/", true),
    ])
    func aFullDiskLeavesTheOldOne(_ name: String, isNamed: Bool) throws {
        let trial = try Trial(isNamed: isNamed)
        let options = name.hasSuffix("/") ? ["--to", "huggingface"] : []
        try trial.convert(to: name, options + ["--num-classes", "4"])
        let old = trial.state()
        let size = old.values.reduce(0) { $0 + ($1.count + 4095) / 4096 * 4 }
        let copy = try Trial.run("/bin/cp", ["-R", trial.outputs, trial.folder.path + "old"], [:])
        #expect(copy.status == 0)
        let files = old.filter { !$0.value.isEmpty }.keys.sorted().map { "<whole ./\($0)>\n" }.joined()
        for free in [0, 24, size - 8] {
            let ending = try convert(trial, to: name, on: size + free)
            #expect(ending.status == 2, "\(ending.output)")
            #expect(ending.output.contains("No space left on device"), "\(ending.output)")
            #expect(ending.output.hasSuffix(files), "\(ending.output)")
            #expect(!ending.output.contains("<other"), "\(ending.output)")
        }
        let ending = try convert(trial, to: name, on: 3 * size + 16)
        #expect(ending.status == 0 && ending.output.contains("<other"), "\(ending.output)")
    }
}
