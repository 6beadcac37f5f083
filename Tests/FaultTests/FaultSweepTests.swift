import Foundation
import TensorCore
import Testing

/// Every call by which files are read and written fails once, and the process ends in each: what is written is
/// whole or absent, and nothing else is left.
@Suite(.enabled(if: Trial.shim != nil && Trial.isCleanedUp, "the library of faults cannot be loaded"))
struct FaultSweepTests {
    struct Scene: Sendable, CustomTestStringConvertible {
        let output: String
        var options: [String] = []
        /// Whether another model stands there already.
        var isOverOld = false
        var isNamed = false
        /// Whether the kernel copies the tensors.
        var isCopied = false

        var testDescription: String {
            output + (isOverOld ? " over an old one" : "") + (isNamed ? ", named" : "")
                + (isCopied ? ", copied" : "")
        }

        func trial() throws -> Trial {
            var trial = try Trial(isNamed: isNamed)
            if isCopied { try trial.alignInput(with: output) }
            return trial
        }
    }

    static let scenes = [
        Scene(output: "model.swt"), Scene(output: "model.swt", isOverOld: true),
        Scene(output: "model.swt", isOverOld: true, isCopied: true),
        Scene(output: "model.swt", isNamed: true), Scene(output: "model.swt", isOverOld: true, isNamed: true),
        Scene(output: "model.npz", options: ["--compress"], isOverOld: true),
        Scene(output: "model.pth"), Scene(output: "model.h5", isOverOld: true),
        Scene(output: "model/", options: ["--to", "huggingface"]),
        Scene(output: "model/", options: ["--to", "huggingface"], isOverOld: true),
        Scene(output: "model/", options: ["--to", "huggingface"], isNamed: true),
        Scene(output: "model/", options: ["--to", "huggingface"], isOverOld: true, isNamed: true),
    ]

    static let placing = ["fsync", "linkat", "link", "rename", "mkdir"]
    static let others = [
        "open", "pread", "pwrite", "copy_file_range", "close", "ftruncate", "fchmod", "flock", "fstat",
    ]

    /// What stands there before and what has to stand there after.
    static func states(_ scene: Scene, _ trial: Trial) throws -> (
        before: [String: Data], after: [String: Data]
    ) {
        try trial.convert(to: scene.output, scene.options)
        let after = trial.state()
        try trial.restore([:])
        if scene.isOverOld {
            try trial.convert(to: scene.output, scene.options + ["--num-classes", "4"])
        }
        return (trial.state(), after)
    }

    /// Some of the calls where there are many: those at both ends and in between.
    static func places(_ count: Int) -> [Int] {
        count <= 6 ? Array(1..<max(1, count + 1)) : [1, 2, count / 3, 2 * count / 3, count - 1, count]
    }

    @Test(arguments: scenes) func aCallThatFailsLeavesTheOldOrTheNew(_ scene: Scene) throws {
        let trial = try scene.trial()
        let (before, after) = try Self.states(scene, trial)
        #expect(!after.isEmpty && before != after)
        for call in Self.placing + Self.others {
            try trial.restore(before)
            let whole = try trial.convert(to: scene.output, scene.options, .init(call: call))
            #expect(whole.status == 0 && trial.state() == after, "\(whole.output)")
            if call == "copy_file_range" { #expect(trial.count > 0 || !scene.isCopied) }
            for place in Self.places(trial.count) {
                let isData = ["pread", "pwrite", "copy_file_range"].contains(call)
                let code = call == "pwrite" ? ENOSPC : EIO
                for does in ["\(code)"] + (isData ? ["short"] : []) {
                    let fault = Trial.Fault(call: call, at: place, does: does)
                    try trial.restore(before)
                    let ending = try trial.convert(to: scene.output, scene.options, fault)
                    let state = trial.state()
                    #expect(!ending.isSignal, "\(fault)")
                    if ending.status == 0 || ending.output.contains("may not last") {
                        #expect(state == after, "\(fault): \(ending.output)")
                    } else {
                        #expect(ending.status == 2 && state == before, "\(fault): \(ending.output)")
                        #expect(ending.output.contains(trial.folder.path), "names the file: \(ending.output)")
                        #expect(ending.output.contains(String(cString: strerror(code))), "\(ending.output)")
                    }
                    if does == "short" { #expect(ending.status == 0, "\(fault): \(ending.output)") }
                }
            }
        }
    }

    @Test(arguments: scenes) func aRunThatIsKilledLeavesWhatTheNextOneCleans(_ scene: Scene) throws {
        let trial = try scene.trial()
        let (before, after) = try Self.states(scene, trial)
        for call in Self.placing + ["pwrite", "close"] {
            try trial.restore(before)
            try trial.convert(to: scene.output, scene.options, .init(call: call))
            for place in Self.places(trial.count) {
                let fault = Trial.Fault(call: call, at: place, does: "kill")
                try trial.restore(before)
                let ending = try trial.convert(to: scene.output, scene.options, fault)
                #expect(ending.isSignal && ending.status == SIGKILL, "\(fault)")
                for (name, data) in trial.state() where !name.hasSuffix(".vit-convert") {
                    #expect(data == before[name] || data == after[name], "\(fault): \(name)")
                }
                let next = try trial.convert(to: scene.output, scene.options)
                #expect(next.status == 0 && trial.state() == after, "\(fault): \(next.output)")
            }
        }
    }

    @Test(arguments: scenes) func anInterruptLeavesNothing(_ scene: Scene) throws {
        let trial = try scene.trial()
        let (before, after) = try Self.states(scene, trial)
        for call in Self.placing + ["pwrite"] {
            try trial.restore(before)
            try trial.convert(to: scene.output, scene.options, .init(call: call))
            for place in Self.places(trial.count) {
                let fault = Trial.Fault(call: call, at: place, does: place % 2 == 0 ? "int" : "term")
                try trial.restore(before)
                let ending = try trial.convert(to: scene.output, scene.options, fault)
                #expect(
                    ending.isSignal && ending.status == (place % 2 == 0 ? SIGINT : SIGTERM),
                    "\(fault): \(ending.status)")
                #expect([before, after].contains(trial.state()), "\(fault)")
            }
        }
    }
}
